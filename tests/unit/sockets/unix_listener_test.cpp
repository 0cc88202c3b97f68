// Listeners on unix sockets: the file, who may connect, and who is in the way.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>

#include "listening.h"
#include "master/sockets/listener.h"
#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using config::Transport;

namespace {

config::Listen listen_on(const std::string& name, Transport transport = Transport::stream) {
    config::Listen listen;
    listen.name = "app";
    listen.address = {transport, config::UnixAddress{name}};
    return listen;
}

std::string bind_error(const config::Listen& settings) {
    const auto listener = Listener::bind(settings);
    return listener ? "no error" : listener.error().message;
}

struct Name {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&address); }
};

Name name_of(const std::string& text) {
    Name name;
    name.address.sun_family = AF_UNIX;
    std::memcpy(name.address.sun_path, text.data(), text.size());
    if (text.front() == '@') name.address.sun_path[0] = '\0';
    name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size());
    return name;
}

// 0, or why not.
int connect_problem(const std::string& text, int type = SOCK_STREAM) {
    const UniqueFd client{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
    Name name = name_of(text);
    return ::connect(client.get(), name.get(), name.size) == 0 ? 0 : errno;
}

struct stat status_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status;
}

bool exists(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

std::size_t files_in(const std::string& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

// A socket file that nobody serves any more.
void leave_stale_socket(const std::string& path, int type = SOCK_STREAM) {
    const UniqueFd fd{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
    Name name = name_of(path);
    REQUIRE(::bind(fd.get(), name.get(), name.size) == 0);
}

}  // namespace

TEST_CASE("a unix listener serves at its path, and a worker that removes its own name removes nothing") {
    const TemporaryDirectory folder;
    const std::string path = folder.path() + "/x.sock";
    const auto listener = bound(listen_on(path));
    CHECK(listener->address() == "unix:" + path);
    CHECK(listener->kind() == "unix");
    CHECK(connect_problem(path) == 0);
    CHECK((::fcntl(listener->fd(), F_GETFD) & FD_CLOEXEC) != 0);

    const std::string own = own_name(listener->fd());
    CHECK(own != path);
    CHECK_FALSE(exists(own));
    CHECK(::unlink(own.c_str()) != 0);
    CHECK(connect_problem(path) == 0);
    CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("a unix listener's file goes with the last generation that holds it") {
    const TemporaryDirectory folder;
    const std::string path = folder.path() + "/x.sock";
    auto first = bound(listen_on(path));
    auto second = acquired({listen_on(path)}, {first});
    CHECK(second[0]->socket() == first->socket());
    first.reset();
    CHECK(connect_problem(path) == 0);
    second.clear();
    CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("a file at the path that is not the listener's own any more is left alone") {
    const TemporaryDirectory folder;
    const std::string path = folder.path() + "/x.sock";
    auto listener = bound(listen_on(path));
    REQUIRE(::unlink(path.c_str()) == 0);
    write_file(path, "somebody's");
    CHECK_FALSE(listener->socket()->reachable());
    listener.reset();
    CHECK(read_file(path) == "somebody's");
}

TEST_CASE("the socket's file has the mode that was asked for from the first moment, whatever the umask") {
    const TemporaryDirectory folder;
    const mode_t old = ::umask(0077);
    config::Listen settings = listen_on(folder.path() + "/x.sock");
    const auto open = bound(settings);
    CHECK((status_of(folder.path() + "/x.sock").st_mode & 07777) == 0666);
    settings.address.place = config::UnixAddress{folder.path() + "/y.sock"};
    settings.access.mode = 0620;
    const auto closed = bound(settings);
    ::umask(old);
    CHECK((status_of(folder.path() + "/y.sock").st_mode & 07777) == 0620);
}

TEST_CASE("a reload that changes only mode and owner keeps the socket, and its promotion applies them") {
    const TemporaryDirectory folder;
    const std::string path = folder.path() + "/x.sock";
    config::Listen settings = listen_on(path);
    const auto first = bound(settings);
    settings.access.mode = 0600;
    settings.access.group = std::to_string(::getegid());
    if (::geteuid() == 0) settings.access.owner = "65534";
    const Listeners second = acquired({settings}, {first});
    CHECK(second[0]->socket() == first->socket());
    CHECK(second[0]->restore({first}));
    CHECK((status_of(path).st_mode & 07777) == 0666);  // the reload may still fail
    CHECK(second[0]->apply());
    CHECK((status_of(path).st_mode & 07777) == 0600);
    if (::geteuid() == 0) CHECK(status_of(path).st_uid == 65534);
    CHECK(first->apply());
    CHECK((status_of(path).st_mode & 07777) == 0666);
    CHECK(status_of(path).st_uid == ::geteuid());
}

TEST_CASE("an unknown user or group is an error that leaves nothing behind") {
    const TemporaryDirectory folder;
    config::Listen settings = listen_on(folder.path() + "/x.sock");
    settings.access.group = "no such group";
    CHECK(bind_error(settings) == "listener app: unix:" + folder.path() +
                                      "/x.sock cannot have this group: there is no group no such group");
    settings.access.owner = "no such user";
    CHECK(bind_error(settings) == "listener app: unix:" + folder.path() +
                                      "/x.sock cannot have this owner: there is no user no such user");
    CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("an account that this user cannot give files to is refused, also for a socket that is kept") {
    const TemporaryDirectory folder;
    REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
    const std::string path = folder.path() + "/x.sock";
    const std::string told = as_nobody([&] {
        config::Listen settings = listen_on(path);
        const auto first = bound(settings);
        settings.access.group = "0";
        std::string errors = bind_error(settings) + '\n';
        settings.access.owner = "0";
        const auto kept = acquire_listeners({settings}, {first});
        errors += kept ? "kept" : kept.error().message;
        return errors + (status_of(path).st_uid == 65534 ? "" : ", and the file is not ours any more");
    });
    CHECK(told == "listener app: unix:" + path +
                      " cannot have this group: only root and its members can give a file to group 0\n"
                      "listener app: unix:" +
                      path + " cannot have this owner: only root can give a file to user 0");
    CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("a socket file that nobody serves any more is replaced") {
    const TemporaryDirectory folder;
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        const std::string path = folder.path() + "/x.sock";
        leave_stale_socket(path, type);
        CHECK(connect_problem(path, type) == ECONNREFUSED);
        const auto listener = bound(listen_on(path));
        CHECK(connect_problem(path) == 0);
    }
}

TEST_CASE("a socket that somebody serves is refused with who it is, and goes on") {
    const TemporaryDirectory folder;
    const Transport kind = GENERATE(Transport::stream, Transport::datagram);
    const std::string path = folder.path() + "/x.sock";
    const UniqueFd other{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    Name name = name_of(path);
    REQUIRE(::bind(other.get(), name.get(), name.size) == 0);
    REQUIRE(::listen(other.get(), 0) == 0);
    CHECK_THAT(bind_error(listen_on(path, kind)),
               StartsWith("listener app: ") &&
                   Contains(path + " is in use by pid " + std::to_string(::getpid()) + " (unit-sockets)"));
    // Also while its queue is full.
    std::vector<UniqueFd> queued;
    for (int i = 0; i < 3; ++i) {
        queued.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        Name there = name_of(path);
        [[maybe_unused]] const int full = ::connect(queued.back().get(), there.get(), there.size);
    }
    CHECK_THAT(bind_error(listen_on(path, kind)), Contains("is in use by pid " + std::to_string(::getpid())));
    CHECK(S_ISSOCK(status_of(path).st_mode));
    CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("a file that is not a socket is refused and kept, and a folder that cannot be written to told") {
    const TemporaryDirectory folder;
    const std::string path = folder.path() + "/x.sock";
    write_file(path, "precious");
    CHECK_THAT(bind_error(listen_on(path)), Contains("is not a socket"));
    CHECK(read_file(path) == "precious");
    CHECK_THAT(bind_error(listen_on(folder.path() + "/none/x.sock")),
               Contains("there is no directory " + folder.path() + "/none"));
    REQUIRE(::chmod(folder.path().c_str(), 0555) == 0);
    CHECK_THAT(as_nobody([&] { return bind_error(listen_on(folder.path() + "/y.sock")); }),
               Contains("no file can be made in " + folder.path() + ": Permission denied"));
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
}

TEST_CASE("a path that leaves no room for a private name beside it can still be bound") {
    const TemporaryDirectory root;
    const std::string folder = root.path() + "/" + std::string(105 - root.path().size() - 1, 'd');
    REQUIRE(::mkdir(folder.c_str(), 0755) == 0);
    const std::string path = folder + "/x";
    REQUIRE(path.size() == 107);
    const auto before = open_descriptors().size();
    auto listener = bound(listen_on(path));
    CHECK(connect_problem(path) == 0);
    CHECK_FALSE(exists(own_name(listener->fd())));
    listener.reset();
    CHECK(files_in(folder) == 0);
    CHECK(open_descriptors().size() == before);
}

TEST_CASE("a path that somebody has removed is bound anew by the next reload, and restoring says so before") {
    const TemporaryDirectory folder;
    const std::string path = folder.path() + "/x.sock";
    auto old_one = bound(listen_on(path));
    CHECK(old_one->restore());
    REQUIRE(::unlink(path.c_str()) == 0);
    const Status restored = old_one->restore();
    REQUIRE_FALSE(restored);
    CHECK_THAT(restored.error().message, StartsWith("listener app: ") && Contains(path));
    const Listeners next = acquired({listen_on(path)}, {old_one});
    CHECK(next[0]->socket() != old_one->socket());
    CHECK(connect_problem(path) == 0);
    old_one.reset();
    CHECK(connect_problem(path) == 0);
}

TEST_CASE("abstract names are bound without a file, and are refused while somebody has them") {
    const std::string name = "@sup-test-" + std::to_string(::getpid());
    auto listener = bound(listen_on(name));
    CHECK(connect_problem(name) == 0);
    CHECK_THAT(bind_error(listen_on(name)), StartsWith("listener app: unix:" + name + " is in use by pid " +
                                                       std::to_string(::getpid()) + " (unit-sockets)"));
    CHECK(bound(listen_on(name, Transport::datagram))->kind() == "unix-dgram");
    CHECK(acquired({listen_on(name)}, {listener})[0]->socket() == listener->socket());
    listener.reset();
    CHECK(connect_problem(name) == ECONNREFUSED);
}

TEST_CASE("a unix datagram listener receives at its path") {
    const TemporaryDirectory folder;
    const std::string path = folder.path() + "/log";
    const auto listener = bound(listen_on(path, Transport::datagram));
    CHECK(listener->address() == "unix-dgram:" + path);
    CHECK(listener->restore());
    const UniqueFd client{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    Name there = name_of(path);
    REQUIRE(::sendto(client.get(), "x", 1, 0, there.get(), there.size) == 1);
    char byte = 0;
    CHECK(::recv(listener->fd(), &byte, 1, 0) == 1);
}

TEST_CASE("a path cannot change from stream to datagram while a generation holds it") {
    const TemporaryDirectory folder;
    const std::string path = folder.path() + "/x.sock";
    const auto old_one = bound(listen_on(path));
    const auto next = acquire_listeners({listen_on(path, Transport::datagram)}, {old_one});
    REQUIRE_FALSE(next);
    CHECK_THAT(next.error().message, Contains("is still held by listener app (unix:" + path + ")"));
    CHECK(connect_problem(path) == 0);
}

TEST_CASE("a unix listener that a worker has shut down is bound again by the next reload") {
    const Transport transport = GENERATE(Transport::stream, Transport::datagram);
    const TemporaryDirectory folder;
    config::Listen settings = listen_on(folder.path() + "/x.sock", transport);
    settings.access.mode = 0640;
    const auto old_one = bound(settings);
    CHECK(old_one->dead_socket() == nullptr);
    REQUIRE(::shutdown(old_one->fd(), SHUT_RDWR) == 0);
    CHECK(old_one->dead_socket() != nullptr);
    const Listeners next = acquired({settings}, {old_one});
    CHECK(next[0]->socket() != old_one->socket());
    CHECK(next[0]->dead_socket() == nullptr);
    struct stat status {};
    REQUIRE(::stat((folder.path() + "/x.sock").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
    CHECK(next[0]->socket()->reachable());
}

TEST_CASE("an abstract name that a worker has shut down is refused with what to do") {
    const std::string name = "@sup-test-shut-" + std::to_string(::getpid());
    const auto old_one = bound(listen_on(name));
    REQUIRE(::shutdown(old_one->fd(), SHUT_RDWR) == 0);
    const auto next = acquire_listeners({listen_on(name)}, {old_one});
    REQUIRE_FALSE(next);
    CHECK_THAT(next.error().message, Contains("was shut down by a worker"));
}

TEST_CASE("a unix listener tells how many wait, and how many may") {
    const TemporaryDirectory folder;
    config::Listen settings = listen_on(folder.path() + "/x.sock");
    settings.backlog = 17;
    const auto listener = bound(settings);
    REQUIRE(listener->queue());
    CHECK(listener->queue()->length == 0);
    CHECK(listener->queue()->limit == 17);
    CHECK(connect_problem(folder.path() + "/x.sock") == 0);
    CHECK(listener->queue()->length == 1);
}

TEST_CASE("acquiring unix listeners is all or nothing") {
    const TemporaryDirectory folder;
    write_file(folder.path() + "/taken", "x");
    CHECK_FALSE(
        acquire_listeners({listen_on(folder.path() + "/new"), listen_on(folder.path() + "/taken")}, {}));
    CHECK(files_in(folder.path()) == 1);
}
