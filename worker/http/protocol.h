// One connection's HTTP/1.1: bytes in, answers out, in order. Knows no socket: whoever owns one gives it what
// was received, takes what is to be sent, and is told when something changed in between.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "worker/http/buffer.h"
#include "worker/http/context.h"
#include "worker/http/exchange.h"
#include "worker/http/output.h"

namespace sup::http {

class Protocol {
public:
    // The socket's side.
    class Host {
    public:
        virtual ~Host() = default;
        // A handler did something outside of a call into the protocol. Call go_on() in the loop's next turn,
        // or before if anything else happens to the connection, and then see what there is to send and to
        // wait for. Not at once, for no function of a Response calls a handler.
        virtual void schedule() = 0;
        // Tries to send these three at once, straight from where they are, and returns how many bytes of them
        // left. Calls nothing back, whatever becomes of the socket.
        virtual std::size_t send_now(std::string_view first, std::string_view second,
                                     std::string_view third) = 0;
        // While draining: the connection will go on elsewhere, so there is no need to end it …
        virtual bool moves_on() const { return false; }
        // … and it can leave at once, when the next request has not been begun.
        virtual bool moves_now() const { return false; }
        // The connected socket, and the name of the listener that it came by.
        virtual int socket() const { return -1; }
        virtual std::string_view listener() const { return {}; }
    };

    // What the connection waits for; each has its own patience.
    enum class Waiting { request, head, body, handler, closing };

    Protocol(Context& context, Host& host);
    ~Protocol();
    Protocol(const Protocol&) = delete;
    Protocol& operator=(const Protocol&) = delete;

    // The client sent these; they are used or kept. Empty views are fine.
    void receive(std::string_view bytes);
    // The client will send no more. It still gets its answers.
    void receive_end();
    // More input now would only be kept in memory.
    bool wants_input() const;

    // What is to be sent: these bytes, and after them the file, if there is one.
    std::string_view output() const { return output_.bytes(); }
    const Output::File* file() const { return output_.file(); }
    bool has_output() const { return !output_.empty(); }
    // The first `count` bytes of the output, or of the file, have left.
    void sent(std::size_t count);
    void file_sent(std::size_t count);
    // Goes on with what waited for the output to become short. To be called after sending, if wants_room().
    void room();
    bool wants_room() const;
    // Goes on with what a handler did since the last call. Tells it that the worker drains, if it asked.
    void go_on();

    // No further request will be read.
    bool ending() const { return life_ != Life::serving; }
    // And everything was sent: shut down, and unless over() wait for the client's end. With linger() that
    // must be waited for, otherwise only if something of the client's was left unread.
    bool finished() const { return ending() && output_.empty(); }
    bool linger() const { return life_ == Life::lingering && !over(); }
    bool over() const { return input_ == Input::ended || cut_unnoticeably(); }
    // An answer was cut that the client would take for whole: its end is told by the connection's end alone.
    bool cut_unnoticeably() const { return life_ == Life::cut; }

    Waiting waiting() const;
    // How many heads were begun.
    std::uint64_t heads() const { return heads_; }
    // How much of bodies has come, without what frames it.
    std::uint64_t body_bytes() const { return body_bytes_; }
    bool idle() const { return !ending() && exchange_ == nullptr && held_.empty() && output_.empty(); }
    // No request is being served: with the unconsumed bytes the connection could go on elsewhere.
    bool at_boundary() const;
    std::string_view unconsumed() const { return held_.view(); }
    // It did not move, after all: begins what was left for that.
    void stay();

    // A 101 was answered: what comes is kept and not read as HTTP. When the output has left the socket is for
    // take_over() to have.
    bool upgraded() const { return exchange_ != nullptr && exchange_->takeover != nullptr; }
    Takeover take_over();

    // Of an answer that is not complete; null when there is none, or nobody to have it.
    static Protocol* of(const Response& response);
    // From the loop: what `callback` throws ends the request of `response`, as with every callback of it. Not
    // called when the client has gone.
    static void call(const Response& response, const std::function<void()>& callback);
    // Holds the request's body back beside what its handler asks for, and also when it is answered already.
    static void hold_body(const Response& response, bool held);
    // A part of a regular file, as the last part of an answer that was begun with its length; it goes on its
    // way with Response::end(). False where the answer has no such part to come.
    bool write_file(UniqueFd descriptor, off_t offset, std::uint64_t length);
    // In place of an answer, and with the headers that were added to it. False for a request with a body, and
    // when an answer was begun.
    bool upgrade(std::string_view protocol, Takeover takeover);

    // The client took too long: with its head or body (408), or for anything else.
    void time_out();
    Peer peer() const;

    // Ends the connection cleanly: what is being answered is cut, what is in the output may still be sent.
    void close();
    // The connection is gone: no answer will leave any more. Was it our doing, and not the client's, the
    // answer counts as cut.
    enum class Doing { ours, the_clients };
    void abandon(Doing whose = Doing::the_clients);

private:
    friend class Request;
    friend class Response;

    // The client's side.
    enum class Input : std::uint8_t { open, ended };
    // How far the connection's end has come. It never goes back.
    enum class Life : std::uint8_t {
        serving,
        closing,    // no further request is read; what is in the output still leaves
        lingering,  // … and the client's end must be waited for
        cut,        // … and nothing but a reset tells the client that its answer is not whole
    };
    // What the last advance() stopped for.
    enum class Stop : std::uint8_t { nothing, input, room };
    // What is going on in here.
    enum class Work : std::uint8_t {
        none,
        any,   // the protocol itself will go on with what a callback causes
        stay,  // … and begin the next request, although the connection could move
    };

    class Working {
    public:
        explicit Working(Protocol& protocol, Work work = Work::any) : work_(protocol.work_), before_(work_) {
            work_ = std::max(work_, work);
        }
        ~Working() { work_ = before_; }
        Working(const Working&) = delete;
        Working& operator=(const Working&) = delete;

    private:
        Work& work_;
        Work before_;
    };

    // Reading: each advances over `input` from `used`, and says whether there may be more to do.
    std::size_t consume(std::string_view input);
    void consume_held();
    bool advance(std::string_view input, std::size_t& used);
    bool begin(std::string_view input, std::size_t& used);
    bool read_head(std::string_view input, std::size_t& used);
    bool read_body(std::string_view input, std::size_t& used);
    void deliver(std::string_view piece);
    bool deliver_end();
    void call_handler();
    template <typename Callback>
    void guard(Callback callback);
    bool stop(Stop reason);
    void tell_finished(Exchange& over) const;
    void become(Life life) { life_ = std::max(life_, life); }
    void tell_writable();
    bool leaving() const;
    void end_what_has_left();
    void lose_output();
    void end_exchange();
    void refuse(int status);

    // Answering; used by Request and Response.
    void ask_for_body(std::uint64_t limit, Request::BodyReader reader);
    void save_body(UniqueFd file, std::uint64_t limit, Request::BodySaved done);
    void start(int status, std::optional<std::uint64_t> length, std::string_view type);
    bool write(std::string_view piece);
    void finish_answer();
    void handle_dropped();
    void cut();
    void abort();
    // The handler may have made progress possible.
    void proceed();
    void push();
    void tell_half_closed();
    void tell_drain();

    bool decide_keep_alive() const;
    bool next_received() const;
    // Behind a file no answer is begun.
    bool full() const {
        if (output_.empty()) return false;
        return output_.file() != nullptr || output_.size() > context_.output_high_water();
    }
    void inform(int status, std::string_view headers);
    void write_head(int status, std::optional<std::uint64_t> length, std::string_view type);
    void put(std::string_view before, std::string_view piece, std::string_view after);

    Context& context_;
    Host& host_;
    std::unique_ptr<Exchange> exchange_;
    // Received, not consumed: half a head, or what comes after a message that is being answered.
    Buffer held_;
    Output output_;
    std::uint64_t heads_ = 0;
    std::uint64_t body_bytes_ = 0;
    std::size_t unread_ = 0;  // bytes received that no message has taken yet
    Input input_ = Input::open;
    Life life_ = Life::serving;
    Stop stop_ = Stop::nothing;
    Work work_ = Work::none;
};

}  // namespace sup::http
