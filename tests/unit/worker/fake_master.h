// Plays the master for one real worker process: passes it listeners, hears its notifications, speaks its
// channel.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "common/unix_message.h"
#include "tests/temporary_directory.h"

namespace sup::test {

struct FakeMasterOptions {
    std::string program = HELLO_WORKER;
    std::vector<std::string> flags = {};  // of the program
    bool under_sup = true;                // SUP_INSTANCE and the rest; otherwise as systemd would start it
    bool wrong_pid = false;               // LISTEN_PID of somebody else
    std::string drain_timeout_ms = "30000";
    std::vector<std::string> environment = {};  // more of it, "A=B"
    unsigned descriptor_limit = 0;              // RLIMIT_NOFILE, hard and soft; 0: as it is
    bool few_privileges = false;                // the kernel's limits bind it, whoever runs the test
    // Run it as this user, so that what other processes have in flight is not counted for it; 0: as the
    // test's own. Only root can.
    uid_t user = 0;
};

class FakeMaster {
public:
    // Binds "http" and "admin" on 127.0.0.1 and starts hello-worker on them. The sockets are blocking.
    explicit FakeMaster(const FakeMasterOptions& options = {});
    // Kills the worker if it still runs.
    ~FakeMaster();
    FakeMaster(const FakeMaster&) = delete;
    FakeMaster& operator=(const FakeMaster&) = delete;

    const std::string& http() const { return addresses_[0]; }
    const std::string& admin() const { return addresses_[1]; }
    int listener() const { return listeners_[0].get(); }
    int admin_listener() const { return listeners_[1].get(); }
    pid_t pid() const { return pid_; }

    // The next notification; empty when none comes in time. A descriptor that comes with it becomes the
    // channel.
    std::string notification();
    bool wait_until_ready() { return notification().find("READY=1") == 0; }
    bool has_channel() const { return static_cast<bool>(channel_); }
    bool send(const std::string& packet, const std::vector<int>& descriptors = {});
    // The next packet that the worker has sent through its channel; empty when there is none now.
    std::string channel_packet();
    // The master dies, as far as the worker can see.
    void close_channel() { channel_.reset(); }
    void close_listeners() { listeners_.clear(); }

    void signal(int number) const;
    // Sets RLIMIT_NOFILE of the running worker.
    bool limit_descriptors(unsigned limit) const;
    // The exit code, or minus the signal; nothing when the worker has not ended in time.
    std::optional<int> exit_code();
    bool running();
    std::string standard_error();

private:
    void listen();
    void open_notify_socket();
    [[noreturn]] void become_worker(const FakeMasterOptions& options);

    TemporaryDirectory directory_;
    std::vector<UniqueFd> listeners_;
    std::vector<std::string> addresses_;
    UniqueFd notify_;
    UniqueFd channel_;
    uid_t user_;
    pid_t pid_ = -1;
    std::optional<int> exit_code_;
};

}  // namespace sup::test
