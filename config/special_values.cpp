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

void read_name(const Value& value, std::string& out) {
    if (value.node.kind != Kind::string || !is_name(value.node.text)) return value.expected(expected_name());
    out = value.node.text;
}

void read_address(const Value& value, Address& out) {
    std::string text;
    if (!read_string(value, R"(an address such as "127.0.0.1:80", "[::1]:80", "*:80" or "unix:/run/x.sock")",
                     text)) {
        return;
    }
    Result<Address> address = parse_address(text, value.folder);
    if (!address) return value.refuse(address.error().message);
    out = *std::move(address);
}

void read_mode(const Value& value, unsigned& out) {
    static const std::string what = R"(the permissions of a file in octal digits such as "0660")";
    std::string text;
    if (!read_string(value, what, text)) return;
    const std::string digits = text.size() == 4 && text.front() == '0' ? text.substr(1) : text;
    if (digits.size() != 3 || digits.find_first_not_of("01234567") != digits.npos)
        return value.expected(what);
    out = static_cast<unsigned>(std::stoul(digits, nullptr, 8));
}

void read_account(const Value& value, const std::string& what, std::optional<std::string>& out) {
    std::string text;
    if (!read_string(value, what, text)) return;
    const bool plain = text.find_first_of(":/\n") == text.npos;
    if (text.empty() || !plain) return value.expected(what);
    out = std::move(text);
}

void read_count(const Value& value, std::uint32_t& out) {
    if (value.node.kind == Kind::string && value.node.text == "auto") {
        out = static_cast<std::uint32_t>(std::min<std::int64_t>(usable_cpus(), most_workers));
        return;
    }
    if (const auto count = read_integer(value, {1, most_workers}, " or \"auto\""))
        out = static_cast<std::uint32_t>(*count);
}

void read_signal(const Value& value, int& out) {
    static constexpr std::array<std::string_view, 6> usual{"SIGTERM", "SIGQUIT", "SIGINT",
                                                           "SIGHUP",  "SIGUSR1", "SIGUSR2"};
    static const std::string what = R"(the name of a signal such as "SIGTERM", "SIGQUIT" or "SIGUSR1")";
    std::string name;
    if (!read_string(value, what, name)) return;
    if (const std::optional<int> number = drain_signal(name)) {
        out = *number;
        return;
    }
    if (name == "SIGKILL" || name == "KILL" || name == "SIGSTOP" || name == "STOP") {
        return value.refuse(quoted(name) + " cannot be caught, so no worker could drain; use \"SIGTERM\"");
    }
    if (const auto meant = nearest(name, usual)) {
        return value.refuse("expected " + what + ", found " + quoted(name) + "; did you mean " +
                            quoted(*meant) + "?");
    }
    value.expected(what);
}

void read_strategy(const Value& value, Strategy& out) {
    static constexpr std::array<std::string_view, 2> strategies{"replace", "rolling"};
    if (const auto choice = read_choice(value, strategies)) out = static_cast<Strategy>(*choice);
}

}  // namespace sup::config
