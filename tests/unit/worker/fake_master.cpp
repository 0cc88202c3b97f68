#include "tests/unit/worker/fake_master.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/unit/worker/client.h"
#include "worker/lifecycle/listener.h"

namespace sup::test {
namespace {

bool become(uid_t user) {
    return ::setresgid(user, user, user) == 0 && ::setresuid(user, user, user) == 0;
}

}  // namespace

FakeMaster::FakeMaster(const FakeMasterOptions& options) : user_(options.user) {
    listen();
    open_notify_socket();
    pid_ = ::fork();
    if (pid_ == 0) become_worker(options);
}

FakeMaster::~FakeMaster() {
    if (running()) {
        signal(SIGKILL);
        exit_code();
    }
}

void FakeMaster::listen() {
    for (int i = 0; i < 2; ++i) {
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        UniqueFd& listener = listeners_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any);
        ::listen(listener.get(), 512);
        addresses_.push_back(worker::local_address(listener.get()));
    }
}

void FakeMaster::open_notify_socket() {
    notify_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = directory_.path() + "/notify";
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ::bind(notify_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

void FakeMaster::become_worker(const FakeMasterOptions& options) {
    const int error =
        ::open((directory_.path() + "/stderr").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(error, STDERR_FILENO);
    // First out of the way of the targets, then to them.
    std::array<int, 2> sources{};
    for (std::size_t i = 0; i < 2; ++i) sources[i] = ::fcntl(listeners_[i].get(), F_DUPFD_CLOEXEC, 100);
    for (std::size_t i = 0; i < 2; ++i) ::dup2(sources[i], static_cast<int>(3 + i));
    // Another user may not reach its folder.
    const int program = ::open(options.program.c_str(), O_PATH | O_CLOEXEC);
    if (options.descriptor_limit > 0) {
        const rlimit limit{options.descriptor_limit, options.descriptor_limit};
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (options.few_privileges) {
        ::prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE);
        ::prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN);
    }
    ::setenv("LISTEN_FDS", "2", 1);
    ::setenv("LISTEN_PID", std::to_string(::getpid() + (options.wrong_pid ? 1 : 0)).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", "http:admin", 1);
    ::setenv("NOTIFY_SOCKET", (directory_.path() + "/notify").c_str(), 1);
    if (options.under_sup) {
        ::setenv("SUP_INSTANCE", "test", 1);
        ::setenv("SUP_GENERATION", "7", 1);
        ::setenv("SUP_SLOT", "0", 1);
        ::setenv("SUP_DRAIN_TIMEOUT_MS", options.drain_timeout_ms.c_str(), 1);
    }
    for (const std::string& variable : options.environment) ::putenv(::strdup(variable.c_str()));
    std::vector<char*> arguments{::strdup("hello-worker")};
    for (const std::string& flag : options.flags) arguments.push_back(::strdup(flag.c_str()));
    arguments.push_back(nullptr);
    if (options.user != 0) {
        ::chmod(directory_.path().c_str(), 0711);
        ::chmod((directory_.path() + "/notify").c_str(), 0777);
        if (!become(options.user)) ::_exit(126);
        ::fexecve(program, arguments.data(), environ);
    } else {
        ::execv(options.program.c_str(), arguments.data());
    }
    ::_exit(127);
}

std::string FakeMaster::notification() {
    pollfd wait{notify_.get(), POLLIN, 0};
    if (::poll(&wait, 1, 30'000) <= 0) return {};
    std::array<char, 4096> buffer;
    Result<std::optional<UnixMessage>> message = receive_unix_message(notify_.get(), buffer);
    if (!message || !message->has_value()) return {};
    if (!(*message)->descriptors.empty()) channel_ = std::move((*message)->descriptors.front());
    return {buffer.data(), (*message)->size};
}

bool FakeMaster::send(const std::string& packet, const std::vector<int>& descriptors) {
    const auto sent = send_unix_message(channel_.get(), packet, descriptors);
    return sent && *sent == SendOutcome::sent;
}

std::string FakeMaster::channel_packet() {
    std::array<char, 4096> buffer;
    Result<std::optional<UnixMessage>> message = receive_unix_message(channel_.get(), buffer);
    if (!message || !message->has_value()) return {};
    return {buffer.data(), (*message)->size};
}

void FakeMaster::signal(int number) const {
    ::kill(pid_, number);
}

bool FakeMaster::running() {
    if (exit_code_) return false;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return false;
}

// By a process of the worker's user, as root may lack CAP_SYS_RESOURCE for another's (prlimit(2)).
bool FakeMaster::limit_descriptors(unsigned limit) const {
    const pid_t child = ::fork();
    if (child == 0) {
        if (user_ != 0 && !become(user_)) ::_exit(1);
        const rlimit wanted{limit, limit};
        ::_exit(::prlimit(pid_, RLIMIT_NOFILE, &wanted, nullptr) == 0 ? 0 : 1);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

std::optional<int> FakeMaster::exit_code() {
    eventually([this] { return !running(); });
    return exit_code_;
}

std::string FakeMaster::standard_error() {
    std::ifstream file(directory_.path() + "/stderr");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace sup::test
