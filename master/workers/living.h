// Which of the processes that sup has left behind are still alive.
#pragma once

#include <vector>

#include "master/ledger/left_behind.h"
#include "master/process/process_status.h"
#include "master/status/picture.h"

namespace sup {

LeftBehind::Process left_process(const ProcessStat& process);

bool has_ended(const LeftBehind::Process& process);

// Those that are still alive, for the status and for the answer to a stop.
std::vector<status::LeftBehind> living(const LeftBehindList& list);

}  // namespace sup
