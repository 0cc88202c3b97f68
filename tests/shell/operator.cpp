#include "tests/shell/operator.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

namespace sup::shell {
namespace {

std::string milliseconds(std::uint32_t count) {
    return std::to_string(count) + "ms";
}

}  // namespace

Operator::Operator(Kernel& kernel, Judge& judge, Clients& clients, std::string folder,
                   std::string control_socket)
    : kernel_(kernel),
      judge_(judge),
      clients_(clients),
      folder_(std::move(folder)),
      control_socket_(std::move(control_socket)),
      config_file_(folder_ + "/s.json") {}

void Operator::begin() {
    Faults& faults = kernel_.faults();
    const bool peaceful = chance(30);
    if (!peaceful) {
        bad_releases_ = chance(60) ? below(60) : 0;
        shortages_ = chance(30);
        faults = {.spawn = chance(30) ? below(15) : 0,
                  .exec = chance(20) ? below(10) : 0,
                  .send = chance(30) ? below(40) : 0,
                  .out_of_reach = chance(10) ? below(10) : 0,
                  .stall = chance(30) ? below(5) : 0};
    }
    write_config(true);
    if (!peaceful && chance(90)) {  // most lives should be long
        const std::uint32_t bad = std::exchange(bad_releases_, 0);
        const Faults later = std::exchange(faults, {});
        write_config(true);
        kernel_.after(2 * second, [this, bad, later] {
            bad_releases_ = bad;
            kernel_.faults() = later;
        });
    }
    acts_left_ = 5 + below(30);
    act_later();
}

Habits Operator::draw_habits() {
    Habits habits;
    habits.channel = chance(80);
    habits.parent = chance(15);
    habits.longest_drain = 1 + below(2'000) * millisecond;
    if (!chance(bad_releases_)) return habits;
    switch (below(5)) {
        case 0: habits.silent = true; break;
        case 1: habits.dies_first = true; break;
        case 2: habits.dies_soon = true; break;
        case 3: habits.deaf = true; break;
        default: habits.abrupt = true; break;
    }
    return habits;
}

void Operator::write_config(bool sound) {
    using nlohmann::json;
    Habits habits = draw_habits();
    json listen = json::array({{{"name", "http"}, {"address", "127.0.0.1:0"}},
                               {{"name", "local"}, {"address", "unix:" + folder_ + "/local.sock"}}});
    if (chance(30)) listen.push_back({{"name", "extra"}, {"address", "unix:" + folder_ + "/extra.sock"}});
    json ready = "notify";
    if (chance(15)) ready = milliseconds(below(1'000));
    if (chance(15)) {
        habits.newline = 3 + static_cast<int>(listen.size() + below(3));
        ready = {{"fd", habits.newline}};
    }
    const std::string layout =
        std::to_string(listen.size()) + " listeners" + (habits.newline != 0 ? ", pipes" : "");
    json reload = {{"max_draining", 1 + below(4)}};
    if (chance(40)) {
        reload["strategy"] = "rolling";
        reload["max_surge"] = 1 + below(3);
    }
    if (chance(50)) reload["soak"] = milliseconds(below(3'000));
    const json config = {
        {"name", "s"},
        {"listen", listen},
        {"worker",
         {{"command", {"/bin/true"}},
          {"count", 1 + below(4)},
          {"env", {{"HABITS", habits.text()}, {"LAYOUT", layout}}},
          {"ready", ready},
          {"ready_timeout", milliseconds(1'000 + below(5'000))}}},
        {"drain",
         {{"timeout", milliseconds(2'500 + below(5'000))}, {"signal", chance(20) ? "SIGQUIT" : "SIGTERM"}}},
        {"reload", reload},
        {"restart", {{"min_uptime", milliseconds(500 + below(2'000))}, {"backoff_max", "5s"}}},
        {"log", {{"file", folder_ + (chance(20) ? "/b.log" : "/a.log")}}}};
    std::ofstream(config_file_) << (!sound && chance(bad_releases_ / 4) ? "{ broken" : config.dump());
}

void Operator::act_later() {
    kernel_.after(below(chance(20) ? 10'000 : 1'500) * millisecond, [this] { act(); });
}

void Operator::signal(int number) {
    kernel_.trace("--- signal " + std::to_string(number) + " to the master");
    real(SYS_kill, ::getpid(), number);
}

void Operator::act() {
    if (judge_.model().exited) return;
    if (callers_.empty()) judge_.audit();
    if (acts_left_-- == 0) return stop();
    switch (below(14)) {
        case 0:
        case 1:
        case 2:
            write_config();
            call("reload", chance(40) ? R"({"wait":"drained"})" : "{}");
            break;
        case 3:
            if (chance(50)) write_config();
            signal(chance(50) ? SIGUSR2 : SIGHUP);
            break;
        case 4: call("status", "{}"); break;
        case 5: signal(SIGTTIN); break;
        case 6: signal(SIGTTOU); break;
        case 7: signal(SIGUSR1); break;
        case 8: call("subscribe", "{}"); break;
        case 9: call("nonsense", "[1"); break;
        case 10:
            if (shortages_) shorten_descriptors();
            break;
        default:
            for (std::uint32_t i = 0; i < 3; ++i) clients_.connect();
            break;
    }
    act_later();
}

void Operator::shorten_descriptors() {
    const int more = static_cast<int>(below(12));
    kernel_.trace("--- the master gets " + std::to_string(more) + " more descriptors");
    kernel_.limit_descriptors(more);
    kernel_.after(below(3'000) * millisecond, [this] {
        kernel_.trace("--- the master gets descriptors again");
        kernel_.limit_descriptors(std::nullopt);
        call("status", "{}");
    });
}

// From now on nothing fails any more, so that it must come to its end.
void Operator::stop() {
    stopping_ = true;
    kernel_.faults() = {};
    kernel_.limit_descriptors(std::nullopt);
    if (chance(50))
        signal(chance(80) ? SIGTERM : SIGINT);
    else
        call("stop", chance(20) ? R"({"now":true})" : "{}");
    kernel_.after(600 * second, [this] {
        if (!judge_.model().exited) fail("the instance was stopped, and does not end");
    });
}

void Operator::call(const std::string& method, const std::string& params) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, control_socket_.data(), control_socket_.size());
    UniqueFd socket = moved_up(UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)});
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (judge_.model().exited) return;
        fail(std::string("nobody listens on the control socket: ") + std::strerror(errno));
    }
    ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
    const int id = next_id_++;
    kernel_.trace("--- call " + std::to_string(id) + ": " + method + " " + params);
    const std::string line = R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method +
                             R"(","params":)" + params + "}\n";
    if (::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) return;
    Caller caller{std::move(socket), {}, {}};
    if (method != "nonsense") caller.waiting[id] = {method, params.find("drained") != std::string::npos};
    callers_.push_back(std::move(caller));
}

void Operator::look() {
    std::erase_if(callers_, [this](Caller& caller) { return look_at(caller); });
}

bool Operator::look_at(Caller& caller) {
    std::array<char, 16'384> buffer;
    const ssize_t size = ::recv(caller.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return false;
    if (size <= 0) {
        for (const auto& [id, waiting] : caller.waiting) {
            if (waiting.method != "subscribe" && waiting.method != "status")
                fail("call " + std::to_string(id) + " (" + waiting.method + ") is never answered");
        }
        return true;
    }
    caller.unread.append(buffer.data(), static_cast<std::size_t>(size));
    for (std::size_t end; (end = caller.unread.find('\n')) != std::string::npos;) {
        answered(caller, caller.unread.substr(0, end));
        caller.unread.erase(0, end + 1);
    }
    return caller.waiting.empty();
}

void Operator::answered(Caller& caller, const std::string& line) {
    const auto json = nlohmann::json::parse(line);
    if (json.contains("error") && json.at("error").at("code") == -32002) {
        kernel_.trace("--- a call is turned away");
        caller.waiting.clear();
        return;
    }
    if (!json.contains("id") || !json.at("id").is_number()) return;
    const int id = json.at("id");
    const auto found = caller.waiting.find(id);
    if (found == caller.waiting.end()) fail("call " + std::to_string(id) + " is answered again");
    const Call waiting = found->second;
    caller.waiting.erase(found);
    kernel_.trace("--- answer " + std::to_string(id) + " to " + waiting.method);
    if (json.contains("error")) fail("an answer is an error: " + line);
    const auto& result = json.at("result");
    if (waiting.method == "reload") {
        const bool promoted = result.at("outcome") == "promoted";
        const std::uint32_t generation =
            result.at("generation").is_null() ? 0 : result.at("generation").get<std::uint32_t>();
        if (promoted != judge_.promoted(generation)) fail("a reload's outcome is told wrongly: " + line);
        if (promoted && waiting.drained && judge_.anybody_replaced_by(generation))
            fail("a reload is said to be drained, and somebody whom it replaced is still there");
    } else if (waiting.method == "stop") {
        if (!judge_.model().exited) fail("a stop is answered before its end");
        if (judge_.anybody_left()) fail("a stop is answered, and somebody is still there");
    } else if (waiting.method == "status") {
        for (const auto& generation : result.at("generations")) {
            for (const auto& worker : generation.at("workers")) {
                if (worker.at("pid").is_null()) continue;
                const Process* process = kernel_.find(worker.at("pid"));
                if (process == nullptr ||
                    std::stoul(process->environment.at("SUP_SLOT")) != worker.at("slot"))
                    fail("the status names a process that is not there");
            }
        }
    }
}

void Operator::at_end() const {
    for (const Caller& caller : callers_) {
        for (const auto& [id, waiting] : caller.waiting) {
            if (waiting.method == "reload" || waiting.method == "stop")
                fail("call " + std::to_string(id) + " (" + waiting.method + ") was never answered");
        }
    }
}

}  // namespace sup::shell
