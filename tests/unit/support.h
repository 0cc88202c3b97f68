// What the tests of this folder share.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/spawn/executable.h"
#include "master/spawn/pinned_directory.h"
#include "master/spawn/spawn.h"
#include "tests/temporary_directory.h"

namespace sup::test {

void write_file(const std::string& path, const std::string& bytes, unsigned mode = 0644);
std::string read_file(const std::string& path);
void copy_file(const std::string& from, const std::string& to, const std::string& appended);

struct Pipe {
    UniqueFd reader;
    UniqueFd writer;
};
Pipe make_pipe();
// Until end-of-file; fails the test after the deadline.
std::string read_to_end(int fd);

// Runs the loop until the condition holds. False when it does not within a generous deadline.
bool run_until(uv::Loop& loop, const std::function<bool()>& condition);
// The same without a loop.
bool wait_until(const std::function<bool()>& condition);

// Numbers of this process's open descriptors.
std::vector<int> open_descriptors();

bool process_exists(pid_t pid);
// Waits for the end of a child, and returns waitpid(2)'s status.
int wait_for_exit(pid_t pid);

// What `body` returns in a child process, as a user without rights (65534, in no group but its own) where
// this one is root.
std::string as_nobody(const std::function<std::string()>& body);

// Of a unix socket (getsockname(2)).
std::string own_name(int socket);

// A command to start, with everything that spawn() wants.
struct Command {
    std::shared_ptr<const Executable> executable;
    std::shared_ptr<const PinnedDirectory> directory;
    std::vector<std::string> arguments;
    std::vector<std::string> environment{"PATH=/usr/bin:/bin"};
    std::vector<int> listeners;

    SpawnRequest request(int standard_output, int standard_error) const;
};
Command command(std::vector<std::string> arguments, const std::string& cwd = "/");
// Makes this process the heir of its descendants' orphans, as the master is.
class Subreaper {
public:
    Subreaper();
    ~Subreaper();
    Subreaper(const Subreaper&) = delete;
    Subreaper& operator=(const Subreaper&) = delete;
};

// A process from spawn(); killed with its session's group, and reaped, when it goes out of scope.
class Spawned {
public:
    explicit Spawned(const Command& command, int standard_output = STDOUT_FILENO);
    ~Spawned();
    Spawned(const Spawned&) = delete;
    Spawned& operator=(const Spawned&) = delete;

    pid_t pid() const { return process_.pid; }
    void end();  // SIGKILL to the group, and reaped

private:
    SpawnedProcess process_;
};

// Runs it to its end and returns what it printed. It must exit with 0.
std::string output_of(const Command& command);

}  // namespace sup::test
