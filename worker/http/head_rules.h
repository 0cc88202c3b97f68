// What the headers say of the message itself: where it goes, how long it is, whether the connection stays
// open.
#pragma once

#include <string_view>

#include "worker/http/head.h"

namespace sup::http {

// For one head: take() each header, then finish(). Both return 0, or the status to refuse the request with.
class HeadRules {
public:
    // `bytes` are those of the message, from its first one.
    HeadRules(Head& head, const char* bytes) : head_(head), bytes_(bytes) {}

    int take(const HeaderRange& header);
    int finish();

private:
    int take_host(std::string_view value);
    int take_expect(std::string_view value);
    int take_connection(std::string_view value);
    int take_length(std::string_view value);
    int take_codings(std::string_view value);
    int decide_framing();

    Head& head_;
    const char* bytes_;
    unsigned hosts_ = 0;
    unsigned lengths_ = 0;
    unsigned codings_ = 0;
    unsigned chunked_ = 0;       // how many of the codings say so
    bool chunked_last_ = false;  // the last coding does
    bool close_ = false;
    bool keep_alive_ = false;
};

}  // namespace sup::http
