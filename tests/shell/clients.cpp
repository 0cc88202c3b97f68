#include "tests/shell/clients.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sup::shell {

void Clients::serve_at(const std::string& listener, const sockaddr_storage& address, socklen_t size) {
    addresses_.insert_or_assign(listener, Address{address, size});
}

void Clients::connect() {
    if (!open_ || addresses_.empty()) return;
    auto place = addresses_.begin();
    std::advance(place, kernel_.random().below(static_cast<std::uint32_t>(addresses_.size())));
    const auto& [listener, to] = *place;
    UniqueFd socket = moved_up(UniqueFd{::socket(to.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)});
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to.address), to.size) != 0)
        fail("a client finds nobody at listener " + listener + ": " + std::strerror(errno));
    const std::string id = std::to_string(next_++);
    kernel_.trace("  client " + id + " comes to " + listener);
    ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
    ::send(socket.get(), (id + "\n").data(), id.size() + 1, MSG_NOSIGNAL);
    clients_.push_back({std::move(socket), id, {}});
}

void Clients::look() {
    std::erase_if(clients_, [this](Client& client) { return look_at(client); });
}

// True when it is over.
bool Clients::look_at(Client& client) {
    std::array<char, 64> buffer{};
    const ssize_t size = ::recv(client.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return false;
    if (size > 0) {
        client.answer.append(buffer.data(), static_cast<std::size_t>(size));
        return false;
    }
    if (client.answer == "ok " + client.id) {
        ++served_;
        return true;
    }
    kernel_.trace("  client " + client.id + " is cut");
    if (!excused_ && open_) fail("the connection of client " + client.id + " ends without an answer");
    return true;
}

}  // namespace sup::shell
