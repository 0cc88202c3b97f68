#include "worker/http/misuse.h"

#include <cstdlib>
#include <string>

#include "common/safe_text.h"
#include "sup/http/request.h"
#include "worker/lifecycle/log_line.h"

namespace sup::http {
namespace {

constexpr std::size_t most_shown = 100;

std::string_view sentence(Misuse kind) {
    switch (kind) {
        case Misuse::own_header:
            return "a header that the library sends itself was left out; Response::close_after() ends the "
                   "connection, and Response::start() takes a length";
        case Misuse::bad_name: return "a header whose name is not an HTTP token was left out";
        case Misuse::bad_value: return "a header whose value has control characters was left out";
        case Misuse::second_type: return "a second Content-Type was left out";
        case Misuse::second_validator: return "a second ETag or Last-Modified was left out";
        case Misuse::bad_etag:
            return "an ETag without its quotes, or with spaces or control characters in them, was left out";
        case Misuse::range_header:
            return "Response::send_file() tells Content-Range itself; that of the handler was left out";
        case Misuse::late_header: return "Response::header() after the answer began does nothing";
        case Misuse::bad_status:
            return "nothing was sent (Response::inform() sends what is below 200), as an answer's status "
                   "must be "
                   "from 200 to 599";
        case Misuse::second_answer:
            return "another answer (Response::send(), start() and the like) after the answer began does "
                   "nothing";
        case Misuse::unwanted_body: return "an answer with this status has no body, and it was left out";
        case Misuse::early_write: return "Response::write() before start() does nothing";
        case Misuse::late_write: return "Response::write() after the answer's end does nothing";
        case Misuse::too_long:
            return "the answer is longer than the length given to Response::start(); the connection is cut";
        case Misuse::too_short:
            return "the answer is shorter than the length given to Response::start(); the connection is cut";
        case Misuse::early_end: return "Response::end() before start() does nothing";
        case Misuse::late_end: return "Response::end() after the answer's end does nothing";
        case Misuse::bad_inform:
            return "Response::inform() takes 102, 103 and other statuses below 200, but not this one";
        case Misuse::late_inform: return "Response::inform() after the answer began does nothing";
        case Misuse::late_read: return "Request::read_body() after the answer's end does nothing";
        case Misuse::no_file:
            return "Response::send_file() was not given a regular file open for reading, and sent "
                   "nothing";
        case Misuse::late_detach:
            return "Response::detach() after the answer began gives a Reply that does nothing";
        case Misuse::no_answer: return "the last Response was dropped without an answer; 500 was sent";
        case Misuse::unfinished:
            return "the last Response was dropped before end(); the connection is cut, as by abort()";
    }
    std::abort();
}

}  // namespace

void MisuseLog::tell(Misuse kind, const Request& request, std::string_view what) {
    const auto bit = static_cast<std::size_t>(kind);
    if (told_[bit]) return;
    told_[bit] = true;
    std::string line = "the handler of " + safe_text(request.method_name(), most_shown) + " " +
                       safe_text(request.path(), most_shown) + " made a mistake: ";
    line += sentence(kind);
    if (!what.empty()) line += ": \"" + safe_text(what, most_shown) + "\"";
    worker::log_line(line + " (logged once)");
}

}  // namespace sup::http
