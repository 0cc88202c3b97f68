// What a worker is told of its listeners when it drains.
#pragma once

#include <string>
#include <vector>

namespace sup {

// What becomes of a generation's listeners when it drains. A listener whose name the successor has on another
// socket is in both.
struct ListenerSplit {
    std::vector<std::string>
        served;  // the successor has one of this name: connections may be handed over to it
    std::vector<std::string>
        retired;  // no other generation has this socket: its queue must be emptied before it closes
};

}  // namespace sup
