// Who runs the instance: writes configurations, sends signals and calls, and wants each call answered once,
// and truly.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/unique_fd.h"
#include "tests/shell/clients.h"
#include "tests/shell/judge.h"
#include "tests/shell/kernel.h"
#include "tests/shell/worker.h"

namespace sup::shell {

class Operator {
public:
    // `folder` is for the configuration and the sockets.
    Operator(Kernel& kernel, Judge& judge, Clients& clients, std::string folder, std::string control_socket);

    const std::string& config_file() const { return config_file_; }
    // Draws what happens in this life, and plans it.
    void begin();
    void look();
    void at_end() const;

private:
    struct Call {
        std::string method;
        bool drained = false;
        bool asks_generation = false;
    };
    struct Caller {
        UniqueFd socket;
        std::string unread;
        std::map<int, Call> waiting;
    };
    // `sound`: not one that cannot be read.
    void write_config(bool sound = false);
    Habits draw_habits();
    void act();
    void act_later();
    void stop();
    void shorten_descriptors();
    void call(const std::string& method, const std::string& params);
    bool look_at(Caller& caller);
    void answered(Caller& caller, const std::string& line);
    void signal(int number);
    bool chance(std::uint32_t percent) { return kernel_.random().chance(percent); }
    std::uint32_t below(std::uint32_t limit) { return kernel_.random().below(limit); }

    Kernel& kernel_;
    Judge& judge_;
    Clients& clients_;
    std::string folder_;
    std::string control_socket_;
    std::string config_file_;
    std::vector<Caller> callers_;
    std::uint32_t bad_releases_ = 0;  // percent
    bool shortages_ = false;
    std::uint32_t acts_left_ = 0;
    bool stopping_ = false;
    int next_id_ = 1;
};

}  // namespace sup::shell
