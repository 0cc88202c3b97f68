// A worker as docs/worker-protocol.md wants it, or as releases are: late, mute, deaf, short-lived.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.h"
#include "tests/shell/clients.h"
#include "tests/shell/kernel.h"

namespace sup::shell {

// How the workers of a release are; its configuration tells them so (HABITS).
struct Habits {
    bool channel = true;
    int newline = 0;          // readiness is a newline to this descriptor; 0: READY=1
    bool silent = false;      // … or nothing at all
    bool dies_first = false;  // before it is ready
    bool dies_soon = false;   // some seconds after
    bool deaf = false;        // to the drain signal
    bool abrupt = false;      // the drain signal ends it at once
    bool parent = false;      // leaves others behind
    Micros longest_drain = second;

    std::string text() const;
    static Habits of(const std::string& text);
    // Nothing that it does cuts a connection.
    bool kind() const { return !dies_first && !dies_soon && !deaf && !abrupt; }
};

class FakeWorker final : public Program {
public:
    FakeWorker(Kernel& kernel, Process& process, Clients& clients);
    ~FakeWorker() override;

    void signalled(Process& process, int number) override;
    void look() override;

private:
    struct Connection {
        UniqueFd socket;
        std::string listener;
        std::string id;
        Micros until;
    };
    void plan();
    void speak();
    void become_ready();
    bool say(const std::string& text, const int* descriptor = nullptr);
    void offer_channel();
    void chatter();
    void read_channel();
    void accept();
    void take();
    bool may_take() const;
    void serve();
    void hand_over();
    bool give(const Connection& connection);
    void drain();
    void leave();
    void have_child();
    Micros up_to(Micros most);

    Kernel& kernel_;
    Process& process_;
    Clients& clients_;
    Habits habits_;
    UniqueFd channel_;
    UniqueFd receiver_;
    UniqueFd own_sender_;
    UniqueFd successor_;
    bool ready_ = false;
    bool drains_ = false;
    bool wants_to_leave_ = false;
    bool inbox_ended_ = false;
    bool takes_the_rest_ = true;            // of its inbox, while it drains
    std::map<int, std::string> listeners_;  // by descriptor
    std::vector<Connection> connections_;
};

}  // namespace sup::shell
