#include "master/cli/table.h"

#include "tests/catch.h"

using namespace sup::cli;

TEST_CASE("columns are aligned, and no line ends in blanks") {
    Table table{{{"NAME"}, {"SIZE", Table::Align::right}, {"NOTE"}}};
    table.add({{"a"}, {"1"}, {"first"}});
    table.add({{"longer"}, {"12345"}, {""}});
    CHECK(table.render(Style{false}, 2) ==
          "  NAME     SIZE  NOTE\n"
          "  a           1  first\n"
          "  longer  12345\n");
}

TEST_CASE("a column that is empty everywhere is left out") {
    Table table{{{"A"}, {"EMPTY"}, {"B"}}};
    table.add({{"1"}, {""}, {"2"}});
    CHECK(table.render(Style{false}) == "A  B\n1  2\n");
}

TEST_CASE("colours do not shift the columns") {
    Table table{{{"A"}, {"B", Table::Align::right}}};
    table.add({{"x", Colour::red}, {"1"}});
    table.add({{"ää"}, {"22", Colour::green}});
    const std::string coloured = table.render(Style{true});
    std::string plain;
    for (std::size_t at = 0; at < coloured.size(); ++at) {
        if (coloured[at] == '\033') {
            at = coloured.find('m', at);
        } else {
            plain += coloured[at];
        }
    }
    CHECK(plain == table.render(Style{false}));
    CHECK(plain == "A    B\nx    1\nää  22\n");
}
