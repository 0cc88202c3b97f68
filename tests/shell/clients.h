// Clients of what is served. Each sends its number, and wants an answer before the end of the connection.
#pragma once

#include <sys/socket.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "tests/shell/kernel.h"

namespace sup::shell {

class Clients {
public:
    explicit Clients(Kernel& kernel) : kernel_(kernel) {}

    // Where they connect to.
    void serve_at(const std::string& listener, const sockaddr_storage& address, socklen_t size);
    // From now on whoever comes must be let in.
    void open() { open_ = true; }
    void close() { open_ = false; }
    void connect();
    void look();
    // Somebody may have been cut, and not by the master.
    void excuse() { excused_ = true; }
    std::size_t served() const { return served_; }

private:
    struct Address {
        sockaddr_storage address;
        socklen_t size;
    };
    struct Client {
        UniqueFd socket;
        std::string id;
        std::string answer;
    };
    bool look_at(Client& client);

    Kernel& kernel_;
    std::map<std::string, Address> addresses_;
    std::vector<Client> clients_;
    bool open_ = false;
    bool excused_ = false;
    std::size_t next_ = 1;
    std::size_t served_ = 0;
};

}  // namespace sup::shell
