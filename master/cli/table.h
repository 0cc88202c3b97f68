// Aligned columns.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "master/cli/terminal.h"

namespace sup::cli {

class Table {
public:
    enum class Align { left, right };
    struct Column {
        std::string title;
        Align align = Align::left;
    };
    struct Cell {
        std::string text;
        Colour colour = Colour::none;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // As many cells as there are columns.
    void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
    // Leaves out the columns that are empty in every row. Each line is indented, and has no blanks at its
    // end.
    std::string render(const Style& style, std::size_t indent = 0) const;

private:
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace sup::cli
