// How a reload ended, as it is told.
#pragma once

#include "master/ledger/outcome.h"
#include "master/status/picture.h"

namespace sup::status {

Reload picture_of(const ReloadOutcome& outcome);

}  // namespace sup::status
