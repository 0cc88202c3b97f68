#include "config/special_values.h"

#include <algorithm>
#include <array>

#include "config/address.h"
#include "config/cpu_count.h"
#include "config/display.h"
#include "config/nearest.h"
#include "config/signal_name.h"

namespace sup::config {

bool is_name(std::string_view text) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const bool plain = text.find_first_not_of(allowed) == text.npos;
    return plain && !text.empty() && text.size() <= 64 && text != "." && text != "..";
}

std::string expected_name() {
    return "a name of 1 to 64 of the characters A-Z a-z 0-9 . _ -, other than \".\" and \"..\"";
}

std::optional<std::string> read_name(const Value& value) {
    if (value.node.kind == Kind::string && is_name(value.node.text)) return value.node.text;
    value.expected(expected_name());
    return std::nullopt;
}

std::optional<Address> read_address(const Value& value) {
    const auto text =
        read_string(value, R"(an address such as "127.0.0.1:80", "[::1]:80", "*:80" or "unix:/run/x.sock")");
    if (!text) return std::nullopt;
    Result<Address> address = parse_address(*text, value.folder);
    if (address) return *std::move(address);
    value.refuse(address.error().message);
    return std::nullopt;
}

std::optional<unsigned> read_mode(const Value& value) {
    static const std::string what = R"(the permissions of a file in octal digits such as "0660")";
    const auto text = read_string(value, what);
    if (!text) return std::nullopt;
    const std::string digits = text->size() == 4 && text->front() == '0' ? text->substr(1) : *text;
    if (digits.size() == 3 && digits.find_first_not_of("01234567") == digits.npos)
        return static_cast<unsigned>(std::stoul(digits, nullptr, 8));
    value.expected(what);
    return std::nullopt;
}

std::optional<std::string> read_account(const Value& value, const std::string& what) {
    auto text = read_string(value, what);
    if (!text) return std::nullopt;
    const bool plain = text->find_first_of(":/\n") == text->npos;
    if (!text->empty() && plain) return text;
    value.expected(what);
    return std::nullopt;
}

std::optional<std::uint32_t> read_count(const Value& value) {
    if (value.node.kind == Kind::string && value.node.text == "auto")
        return static_cast<std::uint32_t>(std::min<std::int64_t>(usable_cpus(), most_workers));
    const auto count = read_integer(value, {1, most_workers}, " or \"auto\"");
    if (!count) return std::nullopt;
    return static_cast<std::uint32_t>(*count);
}

std::optional<int> read_signal(const Value& value) {
    static constexpr std::array<std::string_view, 6> usual{"SIGTERM", "SIGQUIT", "SIGINT",
                                                           "SIGHUP",  "SIGUSR1", "SIGUSR2"};
    static const std::string what = R"(the name of a signal such as "SIGTERM", "SIGQUIT" or "SIGUSR1")";
    const auto name = read_string(value, what);
    if (!name) return std::nullopt;
    if (const std::optional<int> number = drain_signal(*name)) return number;
    if (name == "SIGKILL" || name == "KILL" || name == "SIGSTOP" || name == "STOP") {
        value.refuse(in_quotes(*name) + " cannot be caught, so no worker could drain; use \"SIGTERM\"");
    } else if (const auto meant = nearest(*name, usual)) {
        value.refuse("expected " + what + ", found " + in_quotes(*name) + "; did you mean " +
                     in_quotes(*meant) + "?");
    } else {
        value.expected(what);
    }
    return std::nullopt;
}

std::optional<std::optional<Duration>> read_patience(const Value& value) {
    if (value.node.kind == Kind::string && value.node.text == "forever") return std::optional<Duration>();
    const auto duration = read_duration(value, Duration{0});
    if (!duration) return std::nullopt;
    return duration;
}

}  // namespace sup::config
