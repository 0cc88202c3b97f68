// The border: pictures, answers and events as JSON, and back.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "master/status/answers.h"
#include "master/status/event.h"
#include "master/status/picture.h"

namespace sup::status {

// On one line. Text that is not UTF-8 comes out with replacement characters.
std::string to_json(const Picture& picture);
std::string to_json(const Reload& reload);
std::string to_json(const Started& started);
std::string to_json(const FailedStart& failed);
std::string to_json(const Stopped& stopped);
std::string to_json(const std::vector<Listed>& list);
std::string to_json(const Event& event);

// Tolerant, as the other side may be of another version: a key that is not known is passed over, and what is
// missing or of another type stays empty.
Picture read_picture(const nlohmann::json& json);
Reload read_reload(const nlohmann::json& json);
Started read_started(const nlohmann::json& json);
FailedStart read_failed_start(const nlohmann::json& json);
Stopped read_stopped(const nlohmann::json& json);
// None for a type of event that is not known.
std::optional<Event> read_event(const nlohmann::json& json);

}  // namespace sup::status
