#include "tests/shell/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/wire.h"

namespace sup::shell {
namespace {

struct Received {
    std::string bytes;
    std::vector<UniqueFd> descriptors;
};

// None: there is nothing now. With neither bytes nor descriptors: the end.
std::optional<Received> receive(int socket) {
    std::array<char, 16'384> bytes;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control{};
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const long size = real(SYS_recvmsg, socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) return std::nullopt;
    Received received{{bytes.data(), static_cast<std::size_t>(size)}, {}};
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
        if (one->cmsg_type != SCM_RIGHTS) continue;
        for (std::size_t i = 0; i < (one->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(one) + i * sizeof(int), sizeof fd);
            received.descriptors.push_back(moved_up(UniqueFd{fd}));
        }
    }
    return received;
}

// An errno; 0: sent.
int send(int socket, const std::string& bytes, const int* descriptor, const sockaddr_un* to,
         socklen_t to_size) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_name = const_cast<sockaddr_un*>(to);
    message.msg_namelen = to_size;
    if (descriptor != nullptr) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(rights), descriptor, sizeof(int));
    }
    return real(SYS_sendmsg, socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

sockaddr_un address_of(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), std::min(name.size(), sizeof address.sun_path - 1));
    return address;
}

socklen_t size_of(const std::string& name) {
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
}

// Deaf, or it ends some time after SIGTERM.
class Leftover final : public Program {
public:
    explicit Leftover(Kernel& kernel) : kernel_(kernel), deaf_(kernel.random().chance(50)) {}
    void signalled(Process& process, int number) override {
        if (number != SIGTERM || deaf_) return;
        kernel_.after(kernel_.random().below(300) * millisecond, process,
                      [this, &process] { kernel_.exit(process, 0); });
    }
    void look() override {}

private:
    Kernel& kernel_;
    bool deaf_;
};

}  // namespace

// Numbers, as braces would be placeholders.
std::string Habits::text() const {
    std::ostringstream text;
    for (const long one : {long{channel}, long{newline}, long{silent}, long{dies_first}, long{dies_soon},
                           long{deaf}, long{abrupt}, long{parent}, long{longest_drain}})
        text << one << ' ';
    return text.str();
}

Habits Habits::of(const std::string& text) {
    std::istringstream numbers(text);
    Habits habits;
    numbers >> habits.channel >> habits.newline >> habits.silent >> habits.dies_first >> habits.dies_soon >>
        habits.deaf >> habits.abrupt >> habits.parent >> habits.longest_drain;
    return habits;
}

FakeWorker::FakeWorker(Kernel& kernel, Process& process, Clients& clients)
    : kernel_(kernel),
      process_(process),
      clients_(clients),
      habits_(Habits::of(process.environment.at("HABITS"))) {
    std::string names = process.environment.at(wire::listen_names) + ":";
    for (int fd = 3; !names.empty(); ++fd, names.erase(0, names.find(':') + 1))
        listeners_.emplace(process.descriptors.at(fd).get(), names.substr(0, names.find(':')));
    for (const auto& [fd, name] : listeners_) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    plan();
}

FakeWorker::~FakeWorker() {
    if (!connections_.empty() || process_.signalled) clients_.excuse();
}

Micros FakeWorker::up_to(Micros most) {
    return kernel_.random().below(static_cast<std::uint32_t>(most));
}

void FakeWorker::plan() {
    const Micros first = 1 + up_to(300 * millisecond);
    if (habits_.dies_first) {
        kernel_.after(first, process_, [this] {
            if (kernel_.random().chance(50))
                kernel_.exit(process_, 1);
            else
                kernel_.kill_by(process_, SIGSEGV);
        });
        return;
    }
    kernel_.after(first, process_, [this] { become_ready(); });
    if (habits_.parent) kernel_.after(up_to(second), process_, [this] { have_child(); });
    kernel_.after(up_to(5 * second), process_, [this] { chatter(); });
    if (habits_.dies_soon)
        kernel_.after(first + up_to(4 * second), process_, [this] { kernel_.kill_by(process_, SIGSEGV); });
}

void FakeWorker::have_child() {
    kernel_.fork(process_, std::make_unique<Leftover>(kernel_));
}

void FakeWorker::become_ready() {
    ready_ = true;
    speak();
}

// Again, as long as the master has not read what came before.
void FakeWorker::speak() {
    bool said = true;
    if (habits_.silent) return;
    if (habits_.newline != 0) {
        said = ::write(process_.descriptors.at(habits_.newline).get(), "\n", 1) == 1;
        if (habits_.channel) offer_channel();
    } else if (habits_.channel && channel_.get() < 0) {
        offer_channel();
        said = channel_.get() >= 0;
    } else {
        said = say("READY=1");
    }
    process_.said_ready = said;
    if (!said) kernel_.after(10 * millisecond, process_, [this] { speak(); });
}

bool FakeWorker::say(const std::string& text, const int* descriptor) {
    const UniqueFd socket = moved_up(UniqueFd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)});
    const std::string name = Kernel::sender_name(process_.pid);
    const sockaddr_un own = address_of(name);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), size_of(name)) != 0)
        fail("a sender has no name");
    const std::string path = process_.environment.at(wire::notify_socket);
    const sockaddr_un to = address_of(path);
    return send(socket.get(), text, descriptor, &to, size_of(path)) == 0;
}

void FakeWorker::offer_channel() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
        fail("no channel");
    channel_ = moved_up(UniqueFd{ends[0]});
    const UniqueFd given{ends[1]};
    kernel_.note_channel(given.get(), process_.pid);
    const int passenger = given.get();
    if (!say("READY=1\nX_SUP_CHANNEL=1", &passenger)) channel_ = UniqueFd{};
}

// What else a worker may say, and what it may not.
void FakeWorker::chatter() {
    switch (kernel_.random().below(5)) {
        case 0: say("STATUS=busy"); break;
        case 1: say("EXTEND_TIMEOUT_USEC=" + std::to_string(up_to(3 * second))); break;
        case 2: say("MAINPID=4711\nREADY\n=\n\xff\xfe"); break;
        case 3: send(channel_.get(), R"({"type":"unreadable","protocol":7})", nullptr, nullptr, 0); break;
        default: break;
    }
    const std::string line = "worker " + std::to_string(process_.pid) + " says something\n";
    const int output = process_.descriptors.at(1 + static_cast<int>(kernel_.random().below(2))).get();
    pollfd room{output, POLLOUT, 0};
    if (real(SYS_poll, &room, 1, 0) == 1 && (room.revents & POLLOUT) != 0)
        real(SYS_write, output, line.data(), line.size());
    kernel_.after(up_to(20 * second), process_, [this] { chatter(); });
}

void FakeWorker::look() {
    read_channel();
    if (!ready_) return;
    if (!drains_) accept();
    if (!drains_ || takes_the_rest_) take();
    if (drains_) hand_over();
    serve();
    if (wants_to_leave_) leave();
}

void FakeWorker::read_channel() {
    while (channel_.get() >= 0) {
        auto packet = receive(channel_.get());
        if (!packet) return;
        if (packet->bytes.empty()) {
            channel_ = UniqueFd{};
            return;
        }
        const auto json = nlohmann::json::parse(packet->bytes);
        if (json.at("type") == "inbox") {
            if (packet->descriptors.size() != 2) fail("an inbox has not two ends");
            receiver_ = std::move(packet->descriptors[0]);
            own_sender_ = std::move(packet->descriptors[1]);
            inbox_ended_ = false;
        } else if (json.at("type") == "drain") {
            successor_ = packet->descriptors.empty() ? UniqueFd{} : std::move(packet->descriptors[0]);
        }
    }
}

void FakeWorker::accept() {
    for (const auto& [fd, name] : listeners_) {
        if (!kernel_.random().chance(40)) continue;
        UniqueFd socket = moved_up(UniqueFd{::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)});
        if (socket.get() < 0) continue;
        std::array<char, 32> bytes{};
        const ssize_t size = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
        const std::string id(bytes.data(), size > 0 ? static_cast<std::size_t>(size - 1) : 0);
        kernel_.trace("  client " + id + " is at " + std::to_string(process_.pid));
        connections_.push_back({std::move(socket), name, id, kernel_.now() + up_to(8 * second)});
    }
}

bool FakeWorker::may_take() const {
    if (receiver_.get() < 0 || inbox_ended_) return false;
    if (!drains_) return true;
    pollfd end{receiver_.get(), POLLRDHUP, 0};  // peers take from it, unless it is closed
    return real(SYS_poll, &end, 1, 0) == 1 && (end.revents & (POLLRDHUP | POLLHUP)) != 0;
}

void FakeWorker::take() {
    while (may_take()) {
        auto packet = receive(receiver_.get());
        if (!packet) return;
        if (packet->bytes.empty()) {
            inbox_ended_ = true;
            return;
        }
        if (packet->descriptors.size() != 1) fail("a connection comes without its socket");
        const std::size_t line = packet->bytes.find('\n');
        const auto json = nlohmann::json::parse(packet->bytes.substr(0, line));
        const std::string id = packet->bytes.substr(line + 1);
        kernel_.trace("  client " + id + " moves on to " + std::to_string(process_.pid));
        connections_.push_back(
            {std::move(packet->descriptors[0]), json.at("listener"), id, kernel_.now() + up_to(8 * second)});
    }
}

void FakeWorker::serve() {
    std::erase_if(connections_, [this](const Connection& one) {
        if (one.until > kernel_.now()) return false;
        const std::string answer = "ok " + one.id;
        ::send(one.socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return true;
    });
}

bool FakeWorker::give(const Connection& connection) {
    const std::string packet =
        nlohmann::json{{"listener", connection.listener}, {"protocol", "http/1.1"}}.dump() + "\n" +
        connection.id;
    const int passenger = connection.socket.get();
    const int problem = send(successor_.get(), packet, &passenger, nullptr, 0);
    if (problem == EPIPE || problem == ECONNRESET || problem == ECONNREFUSED) successor_ = UniqueFd{};
    return problem == 0;
}

void FakeWorker::hand_over() {
    std::erase_if(connections_, [this](const Connection& one) { return successor_.get() >= 0 && give(one); });
}

void FakeWorker::signalled(Process& /*process*/, int number) {
    read_channel();
    if (habits_.deaf || drains_ || process_.environment.at(wire::drain_signal) != std::to_string(number))
        return;
    kernel_.after(up_to(3 * millisecond), process_, [this] { drain(); });
}

void FakeWorker::drain() {
    if (habits_.abrupt) return kernel_.kill_by(process_, SIGTERM);
    drains_ = true;
    kernel_.after(up_to(habits_.longest_drain), process_, [this] { wants_to_leave_ = true; });
    takes_the_rest_ = kernel_.random().chance(60);  // what it leaves there, the master moves on
}

// With all that it has to do done.
void FakeWorker::leave() {
    if (takes_the_rest_) take();
    hand_over();
    if (successor_.get() < 0) {
        for (Connection& one : connections_) one.until = kernel_.now();
        serve();
    }
    if (connections_.empty()) kernel_.exit(process_, 0);
}

}  // namespace sup::shell
