#include "sup/http/reply.h"

#include <algorithm>

#include "worker/http/header_rules.h"
#include "worker/http/home.h"
#include "worker/http/status_line.h"

namespace sup::http {

Reply& Reply::operator=(Reply&& other) noexcept {
    if (this == &other) return *this;
    drop();
    home_ = std::move(other.home_);
    number_ = other.number_;
    gone_ = std::move(other.gone_);
    headers_ = std::move(other.headers_);
    return *this;
}

// A bad one is kept, too: the worker's thread then tells of it.
bool Reply::header(std::string_view name, std::string_view value) {
    if (home_ == nullptr) return false;
    headers_.emplace_back(name, value);
    return !mistake(name, value);
}

bool Reply::send(int status, std::string body, std::string_view content_type) {
    const std::shared_ptr<Home> home = std::exchange(home_, nullptr);
    if (home == nullptr || *gone_ || home->mailbox == nullptr) return false;
    const bool posted = home->mailbox->post([home, number = number_, headers = std::move(headers_), status,
                                             text = std::move(body), type = std::string(content_type)] {
        std::optional<Response> response = home->take_detached(number);
        if (!response) return;
        for (const auto& [name, value] : headers) response->header(name, value);
        response->send(status, text, type);
    });
    return posted && is_final_status(status);
}

bool Reply::gone() const {
    return gone_ == nullptr || *gone_;
}

void Reply::drop() {
    const std::shared_ptr<Home> home = std::exchange(home_, nullptr);
    if (home == nullptr || home->mailbox == nullptr) return;
    home->mailbox->post([home, number = number_] { home->take_detached(number); });
}

}  // namespace sup::http
