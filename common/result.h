// An expected failure is a value: Result<T> holds either what was asked for or an Error to show a person.
// Where a failure is more than one message, Result<T, E> holds an E instead.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

namespace sup {

// A failure in words: what happened, where, and what to do about it.
struct Error {
    std::string message;

    friend bool operator==(const Error&, const Error&) = default;
};

// "WHAT: Permission denied", from errno or from a given error number.
inline Error errno_error(const std::string& what, int error_number = errno) {
    return Error{what + ": " + std::strerror(error_number)};
}

// Either a T or an E. value() on an error, and error() on a value, are broken invariants and abort
// (std::get throws, and nothing catches it).
template <typename T, typename E = Error>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(*-explicit-*)
    Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(*-explicit-*)

    bool ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    T& value() & { return std::get<0>(state_); }
    const T& value() const& { return std::get<0>(state_); }
    T&& value() && { return std::get<0>(std::move(state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const E& error() const { return std::get<1>(state_); }
    E& error() { return std::get<1>(state_); }

private:
    std::variant<T, E> state_;
};

struct Success {};
// The result of something that is done for its effect: `return Success{};`
using Status = Result<Success>;

}  // namespace sup
