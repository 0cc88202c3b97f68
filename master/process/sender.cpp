#include "master/process/sender.h"

#include "common/safe_text.h"
#include "master/process/process_info.h"

namespace sup {

std::string describe(const Sender& sender) {
    const std::string process = "process " + std::to_string(sender.pid);
    const std::string name = process_command(sender.pid);
    if (name.empty()) return process + ", which has ended,";
    return process + " (" + safe_text(name, name.size()) + ")";
}

}  // namespace sup
