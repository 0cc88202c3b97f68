// A configuration file that is JSON, before it is asked what it means. For those who need places in it later;
// others use load.h.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "config/config.h"
#include "config/json_tree.h"
#include "config/problem.h"
#include "config/source_text.h"

namespace sup::config {

struct Document {
    std::string name;  // the file as the person named it
    std::string file;  // absolute
    SourceText text;
    Node root;
};

// The file must be a regular one of a bounded size (load.h), and JSON.
Result<Document, Problems> open_document(const std::string& path);
Result<Document, Problems> parse_document(std::string_view text, const std::string& path);

Result<Config, Problems> read_config(const Document& document);

// The place of the value that a JSON pointer names, or of the closest object or array around it that is
// there.
Position position_of(const Document& document, std::string_view pointer);

}  // namespace sup::config
