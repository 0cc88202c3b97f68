// Reads what save.cpp wrote, and trusts none of it.
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "master/ledger/ledger.h"

namespace sup {
namespace {

using nlohmann::json;

// Thrown and caught in this file.
struct Malformed {
    std::string message;
};

// The exact type, as JSON's own conversions round and wrap.
template <typename T>
void read(const json& from, T& to) {
    if constexpr (std::is_same_v<T, bool>) {
        if (!from.is_boolean()) throw Malformed{"something is not true or false"};
        to = from.get<bool>();
    } else if constexpr (std::is_enum_v<T>) {
        std::underlying_type_t<T> number{};
        read(from, number);
        to = T{number};
    } else if constexpr (std::is_integral_v<T>) {
        const bool fits = from.is_number_unsigned()
                              ? std::in_range<T>(from.get<std::uint64_t>())
                              : from.is_number_integer() && std::in_range<T>(from.get<std::int64_t>());
        if (!fits) throw Malformed{"something is not a whole number, or is out of range"};
        to = from.get<T>();
    } else {
        static_assert(std::is_same_v<T, std::string>);
        if (!from.is_string()) throw Malformed{"something is not a text"};
        to = from.get<std::string>();
    }
}

const json& at(const json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    if (!object.is_object() || found == object.end()) throw Malformed{std::string("there is no ") + key};
    return *found;
}

template <typename Clock, typename Unit>
void read(const json& from, std::chrono::time_point<Clock, Unit>& to) {
    typename Unit::rep count = 0;
    read(from, count);
    to = std::chrono::time_point<Clock, Unit>{Unit{count}};
}

template <typename T>
void read(const json& from, std::optional<T>& to);

template <typename Read>
void each(const json& array, Read read_one) {
    if (!array.is_array()) throw Malformed{"something is not an array"};
    for (const json& element : array) read_one(element);
}

void read(const json& from, DrainTotals& to) {
    read(at(from, "handed_over"), to.handed_over);
    read(at(from, "drained"), to.drained);
    read(at(from, "closed"), to.closed);
    read(at(from, "died"), to.died);
    const json& unreadable = at(from, "unreadable");
    if (!unreadable.is_object()) throw Malformed{"what is unreadable is not an object"};
    for (const auto& [protocol, connections] : unreadable.items()) read(connections, to.unreadable[protocol]);
}

void read(const json& from, ReloadOutcome& to) {
    read(at(from, "generation"), to.generation);
    read(at(from, "promoted"), to.promoted);
    read(at(from, "configuration_error"), to.configuration_error);
    read(at(from, "reason"), to.reason);
    each(at(from, "worker_output"), [&](const json& line) { read(line, to.worker_output.emplace_back()); });
    read(at(from, "connections"), to.connections);
    Duration::rep duration = 0;
    read(at(from, "duration"), duration);
    to.duration = Duration{duration};
    read(at(from, "at"), to.at);
}

void read(const json& from, LeftBehind::Why& to) {
    int number = 0;
    read(from, number);
    if (number < 0 || number > static_cast<int>(LeftBehind::Why::whose_unknown))
        throw Malformed{"why a process was left behind is not known"};
    to = static_cast<LeftBehind::Why>(number);
}

void read(const json& from, LeftBehind& to) {
    read(at(from, "why"), to.why);
    read(at(from, "pid"), to.process.pid);
    read(at(from, "start_time"), to.process.start_time);
    read(at(from, "name"), to.name);
    read(at(from, "generation"), to.generation);
    read(at(from, "slot"), to.slot);
    read(at(from, "listeners"), to.listeners);
}

template <typename T>
void read(const json& from, std::optional<T>& to) {
    if (!from.is_null()) read(from, to.emplace());
}

template <typename T>
T value(const json& object, const char* key) {
    T read_value{};
    read(at(object, key), read_value);
    return read_value;
}

}  // namespace

Result<Ledger> Ledger::restore(const json& saved) {
    try {
        if (value<int>(saved, "version") != 1) throw Malformed{"its version is not 1"};
        Ledger ledger;
        read(at(saved, "start"), ledger.start_);
        read(at(saved, "reload_began"), ledger.reload_began_);
        read(at(saved, "last_promoted"), ledger.last_promoted_);
        read(at(saved, "last_reload"), ledger.last_reload_);
        read(at(saved, "failed_start"), ledger.failed_start_);
        read(at(saved, "exit_code"), ledger.exit_code_);
        each(at(saved, "promotions"), [&](const json& one) {
            Promotion& promotion = ledger.promotions_[value<core::GenerationId>(one, "generation")];
            read(at(one, "outcome"), promotion.outcome);
            read(at(one, "replaced"), promotion.replaced);
        });
        each(at(saved, "leaving"), [&](const json& one) {
            ledger.leaving_for_[value<core::WorkerId>(one, "worker")] =
                value<core::GenerationId>(one, "reload");
        });
        each(at(saved, "drain_totals"), [&](const json& one) {
            read(at(one, "totals"), ledger.drain_totals_[value<core::GenerationId>(one, "reload")]);
        });
        each(at(saved, "waiting"), [&](const json& one) {
            ledger.waiting_.push_back({value<core::RequestId>(one, "request"),
                                       value<ReloadOutcome>(one, "outcome"),
                                       value<bool>(one, "for_leftovers")});
        });
        each(at(saved, "stops"), [&](const json& one) { read(one, ledger.stops_.emplace_back()); });
        each(at(saved, "told_changes"), [&](const json& one) {
            auto& changes = ledger.told_changes_[value<core::GenerationId>(one, "generation")];
            each(at(one, "changes"), [&](const json& change) { read(change, changes.emplace_back()); });
        });
        each(at(saved, "left_behind"), [&](const json& one) {
            LeftBehind left;
            read(one, left);
            ledger.left_behind_.add(std::move(left));
        });
        return ledger;
    } catch (const Malformed& malformed) {
        return Error{"the saved ledger cannot be read: " + malformed.message};
    }
}

}  // namespace sup
