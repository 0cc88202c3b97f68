#include "master/cli/table.h"

#include <algorithm>
#include <utility>

namespace sup::cli {
namespace {

constexpr std::string_view gap = "  ";

std::string padding(std::size_t width, std::size_t used) {
    return std::string(width > used ? width - used : 0, ' ');
}

// One line from its cells; blanks after the last visible one are left out.
class Line {
public:
    Line(const Style& style, std::size_t indent) : style_(style), text_(indent, ' ') {}

    void add(const Table::Cell& cell, Table::Align align, std::size_t width) {
        const std::string pad = padding(width, display_width(cell.text));
        if (align == Table::Align::right) blanks_ += pad;
        if (!cell.text.empty()) text_ += std::exchange(blanks_, {}) + style_(cell.colour, cell.text);
        if (align == Table::Align::left) blanks_ += pad;
        blanks_ += gap;
    }
    std::string end() { return text_ + "\n"; }

private:
    const Style& style_;
    std::string text_;
    std::string blanks_;
};

}  // namespace

std::string Table::render(const Style& style, std::size_t indent) const {
    std::vector<std::size_t> widths(columns_.size(), 0);
    for (const auto& row : rows_) {
        for (std::size_t column = 0; column < columns_.size(); ++column) {
            widths[column] = std::max(widths[column], display_width(row[column].text));
        }
    }
    std::string text;
    const auto render_row = [&](const auto& cell_of) {
        Line line{style, indent};
        for (std::size_t column = 0; column < columns_.size(); ++column) {
            if (widths[column] == 0) continue;
            const std::size_t width = std::max(widths[column], display_width(columns_[column].title));
            line.add(cell_of(column), columns_[column].align, width);
        }
        text += line.end();
    };
    render_row([&](std::size_t column) { return Cell{columns_[column].title, Colour::dim}; });
    for (const auto& row : rows_) render_row([&](std::size_t column) { return row[column]; });
    return text;
}

}  // namespace sup::cli
