#include "master/spawn/executable.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "master/files/real_path.h"
#include "master/spawn/exec_format.h"

namespace sup {
namespace {

Error worker_error(const std::string& command, const std::string& what) {
    return Error{"worker " + command + ": " + what};
}

std::string_view search_path(const std::vector<std::string>& environment) {
    constexpr std::string_view key = "PATH=";
    for (const std::string& entry : environment) {
        if (entry.rfind(key, 0) == 0) return std::string_view{entry}.substr(key.size());
    }
    return "/usr/local/bin:/usr/bin:/bin";
}

bool is_bare_name(const std::string& command) {
    return command.find('/') == std::string::npos;
}

// A regular file that this process may execute, on a file system that allows it.
Result<UniqueFd> open_program(const std::string& path) {
    UniqueFd fd{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (!fd) return Error{std::strerror(errno)};
    if (Status may = check_may_execute(fd.get()); !may) return may.error();
    return fd;
}

struct Found {
    std::string path;
    UniqueFd fd;
};

// Like execvp(3): the first that can be run; what cannot be run is reported only when nothing else is there.
Result<Found> search(const std::string& name, const std::vector<std::string>& environment) {
    std::string_view rest = search_path(environment);
    Error problem{"not found in PATH (" + std::string(rest) + ")"};
    bool unusable = false;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        const std::string_view directory = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (directory.empty() || directory.front() != '/') continue;
        std::string path = std::string(directory) + "/" + name;
        if (::access(path.c_str(), F_OK) != 0) continue;
        auto opened = open_program(path);
        if (opened) return Found{std::move(path), std::move(*opened)};
        if (!unusable) problem = Error{path + ": " + opened.error().message};
        unusable = true;
    }
    return problem;
}

Result<Found> find(const std::string& command, const std::vector<std::string>& environment) {
    if (is_bare_name(command)) return search(command, environment);
    auto opened = open_program(command);
    if (!opened) return opened.error();
    return Found{command, std::move(*opened)};
}

// What a script's first line names, as far as this process must know it.
struct Interpreter {
    std::string command;                 // absolute, or a bare name that env looks up
    std::vector<std::string> arguments;  // before the script's path
};

Interpreter interpreter_of(const Shebang& shebang) {
    if (auto env = read_env_command(shebang)) return {env->name, std::move(env->arguments)};
    Interpreter interpreter{shebang.interpreter, {}};
    if (shebang.argument) interpreter.arguments.push_back(*shebang.argument);
    return interpreter;
}

}  // namespace

Executable::Executable(UniqueFd fd, ExecutableIdentity identity)
    : fd_(std::move(fd)), identity_(std::move(identity)) {}

Result<std::shared_ptr<Executable>> Executable::pin_file(const std::string& command,
                                                         const std::vector<std::string>& environment,
                                                         const std::string& folder, int depth) {
    if (depth > most_interpreters) return Error{"too many interpreters of interpreters"};
    auto found = find(command, environment);
    if (!found) return found.error();
    struct stat status {};
    if (::fstat(found->fd.get(), &status) != 0) return Error{std::strerror(errno)};
    const auto examined = examine_executable(found->fd.get(), folder);
    const std::string where = is_bare_name(command) ? found->path + ": " : std::string();
    if (!examined) return Error{where + examined.error().message};

    const bool pinned = examined->format == ExecFormat::program;
    std::shared_ptr<Executable> executable(new Executable(
        std::move(found->fd), {in_real_folder(found->path), found->path, pinned, identity_of(status)}));
    if (pinned)
        executable->fingerprint_ = fingerprint_of(executable->fd());
    else
        executable->script_ = NamedFile::at(found->path);
    // A name that was looked up stays a name, where the path behind it cannot come to mean another file.
    executable->name_ =
        is_bare_name(command) && !in_linked_folder(found->path) ? command : executable->identity_.path;
    if (examined->format != ExecFormat::script) return executable;

    Interpreter named = interpreter_of(examined->shebang);
    const bool relative = !is_bare_name(named.command) && !named.command.starts_with('/');
    if (relative) return executable;  // to the working directory, which is pinned
    if (!is_bare_name(named.command) && !in_linked_folder(named.command)) return executable;
    auto interpreter = pin_file(named.command, environment, folder, depth + 1);
    if (!interpreter)
        return Error{where + "its interpreter " + named.command + ": " + interpreter.error().message};
    if (!in_linked_folder((*interpreter)->identity_.found_at)) return executable;
    executable->interpreter_ = std::move(*interpreter);
    executable->interpreter_arguments_ = std::move(named.arguments);
    return executable;
}

Result<std::shared_ptr<const Executable>> Executable::pin(const std::string& command,
                                                          const std::vector<std::string>& environment,
                                                          const std::string& folder) {
    auto pinned = pin_file(command, environment, folder, 0);
    if (!pinned) return worker_error(command, pinned.error().message);
    return std::shared_ptr<const Executable>(std::move(*pinned));
}

Launch Executable::launch_script() const {
    const std::string path = script_->path_now();
    if (interpreter_) {
        // What the kernel would do with the first line, but with the interpreter that it named then.
        Launch launch = interpreter_->launch();
        launch.leading.insert(launch.leading.end(), interpreter_arguments_.begin(),
                              interpreter_arguments_.end());
        launch.leading.push_back(path);
        return launch;
    }
    if (!script_->is_there()) return {fd(), true, path, {path}};
    return {-1, false, path, {path}};
}

Launch Executable::launch() const {
    if (script_) return launch_script();
    return {identity_.pinned ? fd() : -1, false, identity_.path, {name_}};
}

std::optional<std::string> Executable::change() const {
    if (interpreter_) {
        if (auto change = interpreter_->change()) return change;
    }
    if (script_) {
        if (!script_->is_changed()) return std::nullopt;
        return script_->path_now() + " is not the same script as when its generation was made";
    }
    struct stat status {};
    if (::fstat(fd(), &status) != 0 || is_untouched(identity_of(status), identity_.file)) return std::nullopt;
    if (fingerprint_ && fingerprint_of(fd()) == fingerprint_) return std::nullopt;
    return identity_.path + " was changed in place since its generation was made (replace a binary with mv)";
}

}  // namespace sup
