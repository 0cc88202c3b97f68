// Events, actions and states in words: "WorkerExited worker=7 code=1".
#include <type_traits>

#include "master/core/fields.h"
#include "master/core/supervisor.h"

namespace sup::core {
namespace {

// Builds "Name key=value key=value"; what is not set is left out.
class Line {
public:
    template <Listed T>
    static std::string of(const T& what) {
        Line line;
        line.text_ = field_list<T>.name;
        line.add_fields(what);
        return std::move(line.text_);
    }

private:
    template <Listed T>
    void add_fields(const T& what) {
        for_each_field<T>([&](const auto& each) {
            if (each.printed) add(each.name, what.*each.member);
        });
    }

    template <typename T>
    void add(const char* key, const T& value) {
        if constexpr (Listed<T>) {
            add_fields(value);
        } else if constexpr (OneOf<T>) {
            text_ += std::string(" ") + key + "=" + name_of(value);
            std::visit([&](const auto& one) { add_fields(one); }, value);
        } else {
            text_ += std::string(" ") + key + "=" + word(value);
        }
    }
    template <typename T>
    void add(const char* key, const std::optional<T>& value) {
        if (value) add(key, *value);
    }
    void add(const char* key, const std::string& text) {
        if (!text.empty()) text_ += std::string(" ") + key + "=\"" + text + '"';
    }
    void add(const char*, const ExitStatus& status) {
        add(status.signalled ? "signal" : "code", status.code);
    }

    // " 2:active:0,1": the number, the state, and the slots whose workers accept.
    void add(const char*, const Serving& serving) {
        for (const ServingGeneration& one : serving) {
            text_ += " " + word(one.generation) + ":" + word(one.state) + ":";
            for (const Slot slot : one.accepting)
                text_ += (text_.back() == ':' ? "" : ",") + std::to_string(slot);
        }
    }

    static std::string word(bool value) { return value ? "true" : "false"; }
    static std::string word(Duration duration) { return std::to_string(duration.count()) + "ms"; }
    static std::string word(TimePoint time) { return word(time.time_since_epoch()); }
    static std::string word(WaitFor wait) { return wait == WaitFor::drained ? "drained" : "promoted"; }
    template <typename T>
    static std::string word(T value) {
        if constexpr (requires { to_string(value); }) {
            return to_string(value);
        } else if constexpr (std::is_enum_v<T>) {
            return std::to_string(static_cast<std::underlying_type_t<T>>(value));
        } else {
            return std::to_string(value);
        }
    }

    std::string text_;
};

}  // namespace

std::string to_string(const Event& event) {
    return std::visit([](const auto& what) { return Line::of(what); }, event);
}

std::string to_string(const Action& action) {
    return std::visit([](const auto& what) { return Line::of(what); }, action);
}

std::string to_string(const ExitStatus& status) {
    return (status.signalled ? "signal " : "exit code ") + std::to_string(status.code);
}

const char* to_string(StopBy by) {
    switch (by) {
        case StopBy::request: return "request";
        case StopBy::signal: return "signal";
        case StopBy::lost_terminal: return "lost_terminal";
    }
    return "?";
}

const char* to_string(GenerationState state) {
    switch (state) {
        case GenerationState::starting: return "starting";
        case GenerationState::soaking: return "soaking";
        case GenerationState::active: return "active";
        case GenerationState::draining: return "draining";
        case GenerationState::aborting: return "aborting";
        case GenerationState::gone: return "gone";
    }
    return "?";
}

const char* to_string(WorkerState state) {
    switch (state) {
        case WorkerState::spawning: return "spawning";
        case WorkerState::starting: return "starting";
        case WorkerState::ready: return "ready";
        case WorkerState::draining: return "draining";
        case WorkerState::killing: return "killing";
        case WorkerState::exited: return "exited";
    }
    return "?";
}

std::optional<WorkerId> worker_of(const Failure& failure) {
    return std::visit(
        [](const auto& why) -> std::optional<WorkerId> {
            if constexpr (requires { why.worker; }) return why.worker;
            return std::nullopt;
        },
        failure);
}

const char* to_string(Kill::Reason reason) {
    switch (reason) {
        case Kill::Reason::drain_timeout: return "drain_timeout";
        case Kill::Reason::ready_timeout: return "ready_timeout";
        case Kill::Reason::aborted: return "aborted";
        case Kill::Reason::stop_now: return "stop_now";
    }
    return "?";
}

const char* to_string(Health health) {
    switch (health) {
        case Health::well: return "well";
        case Health::degraded: return "degraded";
        case Health::down: return "down";
    }
    return "?";
}
const char* to_string(InstanceState state) {
    switch (state) {
        case InstanceState::starting: return "starting";
        case InstanceState::running: return "running";
        case InstanceState::reloading: return "reloading";
        case InstanceState::stopping: return "stopping";
    }
    return "?";
}

}  // namespace sup::core
