#include "master/cli/check_command.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ostream>
#include <utility>
#include <vector>

#include "common/safe_text.h"
#include "common/signal_name.h"
#include "common/socket_table.h"
#include "config/address.h"
#include "config/display.h"
#include "config/document.h"
#include "config/path.h"
#include "config/problem.h"
#include "master/cli/start_script.h"
#include "master/notify/worker_environment.h"
#include "master/runtime/instance_directory.h"
#include "master/runtime/log_file.h"
#include "master/runtime/runtime_directory.h"
#include "master/sockets/inet_socket.h"
#include "master/sockets/socket_access.h"
#include "master/sockets/socket_owner.h"
#include "master/sockets/socket_place.h"
#include "master/spawn/descriptor_limit.h"
#include "master/spawn/executable.h"
#include "master/spawn/pinned_directory.h"

namespace sup::cli {
namespace {

constexpr int good = 0;
constexpr int bad_configuration = 2;

// Something about one value of a configuration that is valid in itself.
struct Finding {
    std::string pointer;
    std::string message;
};
using Findings = std::vector<Finding>;

void print_section(const config::Document& document, const Findings& findings, const std::string& kind,
                   std::ostream& err) {
    for (const auto& [pointer, message] : findings) {
        err << safe_lines(config::to_text(document.name,
                                          {config::position_of(document, pointer), pointer, kind + message}))
            << '\n';
    }
}

void check_worker_command(const config::Worker& worker, Findings& problems) {
    const auto executable =
        Executable::pin(worker.program, base_environment(current_environment(), worker.env), worker.cwd);
    if (!executable) problems.push_back({"/worker/command/0", executable.error().message});
}

// The number of the error that keeps a log from being opened there, as far as it shows without doing it, or
// 0.
int why_no_log_at(const std::string& file) {
    struct stat found {};
    if (::stat(file.c_str(), &found) == 0) {
        if (S_ISDIR(found.st_mode)) return EISDIR;
        return access(file.c_str(), W_OK) == 0 ? 0 : errno;
    }
    if (errno != ENOENT) return errno;
    return access(config::folder_of(file).c_str(), W_OK) == 0 ? 0 : errno;
}

void check_directories(const config::Config& config, Findings& problems) {
    const auto cwd = PinnedDirectory::pin(config.worker.cwd);
    if (!cwd) problems.push_back({"/worker/cwd", cwd.error().message});
    if (!config.log.file) return;
    const std::string& file = *config.log.file;
    if (own_descriptor(file)) return;  // it comes from the process that starts sup
    if (const int problem = why_no_log_at(file); problem != 0)
        problems.push_back({"/log/file", errno_error("log.file " + file, problem).message});
    else if (Status followed = check_log_links(file); !followed)
        problems.push_back({"/log/file", "log.file " + file + " " + followed.error().message});
}

// The master sees nothing of what they write, and may sleep meanwhile.
void check_log(const config::Log& log, Findings& notes) {
    if (log.workers != config::WorkerOutput::inherit || log.file) return;
    notes.push_back({"/log/workers",
                     "in the background, workers then write to sup.log in the runtime folder themselves, "
                     "without limit; set log.file, and rotate it"});
}

// The master that runs under this name now, if any: the sockets that it holds are no news.
pid_t running_master(const std::string& name) {
    const RuntimeDirectory directory = choose_runtime_directory(current_runtime_environment());
    const InstanceState state = probe_instance(InstancePaths(directory.path, name));
    return state.locked ? state.pid : 0;
}

// What stands in the way of an address now, as the kernel's tables tell it; empty when nothing does.
std::string taken_by(const config::Address& wanted) {
    if (const auto* name = wanted.unix_domain()) {
        return unix_sockets_named(name->name).empty() ? std::string() : to_string(wanted);
    }
    const bool tcp = wanted.transport == config::Transport::stream;
    for (const BoundSocket& socket : tcp ? listening_tcp_sockets() : bound_udp_sockets()) {
        // Another program's "::" usually takes IPv4 too; its table does not tell.
        const std::string host = socket.host == "::" ? "*" : socket.host;
        if (overlap(wanted, {wanted.transport, config::InetAddress{host, socket.port}}))
            return config::to_string({wanted.transport, config::InetAddress{socket.host, socket.port}});
    }
    return {};
}

// Who has it is only told by connecting, and this touches nothing.
bool file_exists(const config::Address& address) {
    return address.path() != nullptr && access(address.path()->c_str(), F_OK) == 0;
}

// In words; empty when it is free, or this instance's own.
std::string in_use(const config::Address& wanted, pid_t master) {
    const std::string address = to_string(wanted);
    if (file_exists(wanted)) {
        return master != 0 ? std::string()
                           : address + " is there already; `sup start` replaces it if nobody serves it";
    }
    const std::string taken = taken_by(wanted);
    if (taken.empty()) return {};
    const std::vector<SocketOwner> owners = find_socket_owners(wanted);
    if (master != 0 && std::ranges::find(owners, master, &SocketOwner::pid) != owners.end()) return {};
    const bool stream = wanted.transport == config::Transport::stream;
    return address + " is in use now: " + describe(owners) + (stream ? " listens on " : " is bound to ") +
           taken;
}

// Notes, because both may have changed by the start: who uses an address, and which ones the machine has.
void check_addresses(const config::Config& config, Findings& notes) {
    const pid_t master = running_master(config.name);
    for (std::size_t i = 0; i < config.listen.size(); ++i) {
        const config::Listen& listen = config.listen[i];
        const std::string pointer = "/listen/" + std::to_string(i) + "/address";
        const std::string words = in_use(listen.address, master);
        if (!words.empty()) notes.push_back({pointer, words});
        if (listen.address.inet() == nullptr) continue;
        if (Status there = check_host(listen); !there) notes.push_back({pointer, there.error().message});
    }
}

bool is_socket(const std::string& path) {
    struct stat found {};
    return ::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode);
}

bool may_not_write(const std::string& folder) {
    return access(folder.c_str(), F_OK) == 0 && access(folder.c_str(), W_OK | X_OK) != 0;
}

// What lies at the path of a unix socket, and who is to have it. A socket is not connected to here. What only
// this user may not do is no mistake: the configuration may be meant for root.
void check_socket_files(const config::Config& config, Findings& problems, Findings& notes) {
    Findings& of_rights = ::geteuid() == 0 ? problems : notes;
    for (std::size_t i = 0; i < config.listen.size(); ++i) {
        const config::Listen& listen = config.listen[i];
        const std::string pointer = "/listen/" + std::to_string(i);
        const std::string* path = listen.address.path();
        if (path == nullptr) continue;
        if (!is_socket(*path)) {
            Findings& findings = may_not_write(config::folder_of(*path)) ? of_rights : problems;
            if (const auto place = find_place(*path, listen.address.transport); !place)
                findings.push_back({pointer + "/address", *path + " " + place.error().message});
        }
        if (const auto access = resolve_access(listen.access); !access) {
            const auto& [key, message, by_rights] = access.error();
            (by_rights ? of_rights : problems).push_back({pointer + '/' + std::string(key), message});
        }
    }
}

// The master raises its limit to the hard one.
void check_limits(const config::Config& config, Findings& problems) {
    if (Status enough = check_master_descriptors(); !enough) {
        problems.push_back({"", enough.error().message});
        return;
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    if (Status enough = check_worker_descriptors(config, limit.rlim_max); !enough) {
        const bool by_newline = std::holds_alternative<config::ReadyByNewline>(config.worker.ready);
        problems.push_back({by_newline ? "/worker/ready/fd" : "/listen", enough.error().message});
    }
}

std::string describe(const config::Worker& worker) {
    std::string text =
        std::to_string(worker.count) + (worker.count == 1 ? " process" : " processes") + ", ready ";
    if (const auto* after = std::get_if<config::ReadyAfter>(&worker.ready)) {
        return text + "after " + format_duration(after->delay);
    }
    const std::string within = " within " + format_duration(worker.ready_timeout);
    if (std::holds_alternative<config::ReadyByAck>(worker.ready)) return text + "by its ack" + within;
    if (const auto* newline = std::get_if<config::ReadyByNewline>(&worker.ready)) {
        return text + "by a newline on descriptor " + std::to_string(newline->fd) + within;
    }
    return text + "by notification" + within;
}

void print_summary(const config::Document& document, const config::Config& config, std::ostream& out) {
    using config::printable;
    out << printable(document.name) << ": good\n  instance  " << config.name << '\n';
    for (const config::Listen& listen : config.listen) {
        out << "  listen    " << listen.name << ' ' << printable(to_string(listen.address))
            << (listen.reuseport ? ", a socket for each slot" : "") << '\n';
    }
    out << "  command  ";
    out << ' ' << printable(config.worker.program);
    for (const config::Template& argument : config.worker.arguments) out << ' ' << printable(argument.text());
    out << "\n  workers   " << describe(config.worker) << "\n  drain     " << signal_name(config.drain.signal)
        << ", after " << format_duration(config.drain.timeout) << " SIGKILL\n";
}

}  // namespace

int check_command(const std::string& config_path, std::ostream& out, std::ostream& err) {
    const auto document = config::open_document(config_path);
    if (!document) {
        err << to_text(document.error()) << '\n';
        return bad_configuration;
    }
    const auto config = config::read_config(*document);
    if (!config) {
        err << to_text(config.error()) << '\n';
        return bad_configuration;
    }
    Findings problems;
    Findings notes;
    check_worker_command(config->worker, problems);
    if (const auto note = note_on_start_script(config->worker)) notes.push_back({"/worker/command", *note});
    check_directories(*config, problems);
    check_log(config->log, notes);
    check_socket_files(*config, problems, notes);
    check_limits(*config, problems);
    check_addresses(*config, notes);
    print_section(*document, problems, "", err);
    print_section(*document, notes, "note: ", err);
    if (!problems.empty()) return bad_configuration;
    print_summary(*document, *config, out);
    return good;
}

}  // namespace sup::cli
