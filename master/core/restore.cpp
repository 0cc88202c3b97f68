// Reads what save.cpp wrote, and trusts none of it: a document that is not a state of a supervisor is an
// Error.
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "master/core/invariants.h"
#include "master/core/state_fields.h"
#include "master/core/supervisor.h"

namespace sup::core {
namespace {

using nlohmann::json;

// Thrown and caught in this file.
struct Malformed {
    std::string message;
};

// A value of the document and where it stands.
class Saved {
public:
    Saved(const json& value, std::string where) : value_(value), where_(std::move(where)) {}

    Saved operator[](const char* key) const {
        const auto found = value_.is_object() ? value_.find(key) : value_.end();
        if (!value_.is_object() || found == value_.end()) fail(std::string("has no \"") + key + "\"");
        return {*found, where_ + "/" + key};
    }

    template <typename Visit>
    void each(Visit visit) const {
        if (!value_.is_array()) fail("is not an array");
        for (std::size_t i = 0; i < value_.size(); ++i)
            visit(Saved(value_[i], where_ + "/" + std::to_string(i)));
    }

    bool is_null() const { return value_.is_null(); }

    bool boolean() const {
        if (!value_.is_boolean()) fail("is not true or false");
        return value_.get<bool>();
    }

    std::int64_t number(std::int64_t least, std::int64_t most) const {
        if (!value_.is_number_integer()) fail("is not a whole number");
        const bool huge =
            value_.is_number_unsigned() && value_.get<std::uint64_t>() > static_cast<std::uint64_t>(most);
        if (huge || value_.get<std::int64_t>() < least || value_.get<std::int64_t>() > most)
            fail("is out of range");
        return value_.get<std::int64_t>();
    }

    std::uint64_t any_unsigned() const {
        if (!value_.is_number_unsigned()) fail("is not a whole number from 0");
        return value_.get<std::uint64_t>();
    }

    bool is(const char* text) const {
        return value_.is_string() && value_.get_ref<const std::string&>() == text;
    }

    template <typename E>
    E one_of(std::initializer_list<E> values) const {
        for (const E value : values) {
            if (is(to_string(value))) return value;
        }
        fail("is not the name of a state");
    }

    [[noreturn]] void fail(const std::string& why) const { throw Malformed{where_ + " " + why}; }

private:
    const json& value_;
    std::string where_;
};

void read(const Saved& saved, bool& value) {
    value = saved.boolean();
}
void read(const Saved& saved, int& value) {
    value = static_cast<int>(saved.number(0, std::numeric_limits<int>::max()));
}
void read(const Saved& saved, std::uint32_t& value) {
    value = static_cast<std::uint32_t>(saved.number(0, std::numeric_limits<std::uint32_t>::max()));
}
void read(const Saved& saved, std::uint64_t& value) {
    value = saved.any_unsigned();
}
void read(const Saved& saved, Duration& duration) {
    duration = Duration{saved.number(0, longest_duration.count())};
}
void read(const Saved& saved, TimePoint& time) {
    constexpr std::int64_t furthest = 2 * longest_duration.count();
    time = TimePoint{Duration{saved.number(-furthest, furthest)}};
}
void read(const Saved& saved, WaitFor& wait) {
    wait = saved.boolean() ? WaitFor::drained : WaitFor::promoted;
}
void read(const Saved& saved, GenerationState& state) {
    state = saved.one_of({GenerationState::starting, GenerationState::soaking, GenerationState::active,
                          GenerationState::draining, GenerationState::aborting});
}
template <Enum Id>
void read(const Saved& saved, Id& id) {
    std::underlying_type_t<Id> number{};
    read(saved, number);
    id = Id{number};
}

template <Listed T>
void read(const Saved& saved, T& record);

template <typename T>
T fresh(const Saved& saved) {
    T value{};
    read(saved, value);
    return value;
}

template <typename T>
void read(const Saved& saved, std::optional<T>& value) {
    if (!saved.is_null()) value = fresh<T>(saved);
}

template <typename T>
void read(const Saved& saved, std::vector<T>& values) {
    saved.each([&](const Saved& each) { values.push_back(fresh<T>(each)); });
}

template <typename Id, Listed T>
void read(const Saved& saved, std::map<Id, T>& members) {
    saved.each([&](const Saved& each) {
        T member = fresh<T>(each);
        const Id id = member.id;
        if (!members.emplace(id, std::move(member)).second) each.fail("is there twice");
    });
}

template <typename T>
void read_field(const Saved& record, const char* name, T& value) {
    read(record[name], value);
}

template <typename T>
bool read_if_named(const Saved& record, const char* name, auto& value) {
    if (!record[name].is(field_list<T>.name)) return false;
    value = fresh<T>(record);
    return true;
}

template <Listed... Ts>
void read_field(const Saved& record, const char* name, std::variant<Ts...>& value) {
    if (!(read_if_named<Ts>(record, name, value) || ...)) record[name].fail("is not the name of a state");
}

template <Listed T>
void read(const Saved& saved, T& record) {
    for_each_field<T>([&](const auto& each) { read_field(saved, each.name, record.*each.member); });
}

Instance instance(const Saved& saved) {
    if (saved["version"].number(0, std::numeric_limits<std::int64_t>::max()) != 1) {
        saved["version"].fail("is not one that this program knows (1)");
    }
    auto read = fresh<Instance>(saved);
    if (const char* broken = broken_invariant(read))
        saved.fail(std::string("breaks the rule that ") + broken);
    return read;
}

}  // namespace

Result<Supervisor> Supervisor::restore(const nlohmann::json& saved) {
    try {
        return Supervisor(std::make_unique<Instance>(instance(Saved(saved, "the saved state"))));
    } catch (const Malformed& malformed) {
        return Error{malformed.message};
    }
}

}  // namespace sup::core
