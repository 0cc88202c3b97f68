#include "master/desk/desk.h"

#include <unistd.h>

#include <utility>

#include "master/status/core_events.h"
#include "master/status/json.h"

namespace sup {
namespace {

Requests::Answer in_json(control::Reply reply) {
    return [reply = std::move(reply)](const Requests::Outcome& outcome) {
        reply(std::visit([](const auto& one) { return status::to_json(one); }, outcome));
    };
}

}  // namespace

Desk::Desk(std::string name, UniqueFd report, Callbacks callbacks)
    : name_(std::move(name)), callbacks_(std::move(callbacks)), report_(std::move(report)) {}

Status Desk::open(uv_loop_t* loop, const std::string& socket) {
    auto control = control::ControlServer::listen(loop, socket, *this);
    if (!control) {
        report_.failed(control.error().message, {});
        return control.error();
    }
    control_ = std::move(*control);
    return Success{};
}

Result<bool> Desk::restore() {
    if (!control_) return false;
    return control_->restore();
}

void Desk::close() {
    if (control_) control_->close();
}

core::RequestId Desk::start() {
    return requests_.add([this](const Requests::Outcome& outcome) {
        const auto* started = std::get_if<status::Reload>(&outcome);
        if (started != nullptr && started->outcome == "promoted")
            report_.succeeded({*started, ::getpid(), name_});
    });
}

void Desk::announce(const status::Event& event) {
    if (control_ && control_->has_audience()) control_->broadcast(status::to_json(event));
    if (report_.waiting()) report_.event(event);
}

void Desk::announce_log(config::LogLevel level, std::string_view message) {
    if (control_ && control_->has_audience())
        control_->broadcast(status::to_json(status::log_event(level, message)));
}

void Desk::report_failed_start(const std::string& reason, const status::FailedStart& failed) {
    report_.failed(reason, failed);
}

std::string Desk::status() {
    return status::to_json(callbacks_.picture());
}

void Desk::reload(core::WaitFor wait, control::Reply reply) {
    callbacks_.ask(core::ReloadRequested{requests_.add(in_json(std::move(reply))), wait});
}

void Desk::stop(bool now, control::Reply reply) {
    callbacks_.asked_to_stop(now);
    callbacks_.ask(core::StopRequested{requests_.add(in_json(std::move(reply))), now});
}

}  // namespace sup
