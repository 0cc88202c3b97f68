#include "common/size.h"

#include "tests/catch.h"

TEST_CASE("a size is a whole number with a unit") {
    CHECK(sup::parse_size("512B").value() == 512);
    CHECK(sup::parse_size("64KiB").value() == 65'536);
    CHECK(sup::parse_size("10MiB").value() == 10'485'760);
    CHECK(sup::parse_size("2GiB").value() == 2'147'483'648ULL);
}

TEST_CASE("what is not a size is refused") {
    for (const char* text :
         {"", "5", "KiB", "5KB", "5kib", "-1B", "1.5MiB", "99999999999999999999B", "99999999999GiB"}) {
        INFO(text);
        CHECK_FALSE(sup::parse_size(text).ok());
    }
}

TEST_CASE("a size is written as it is read, in the largest unit that is exact") {
    CHECK(sup::format_size(0) == "0");
    CHECK(sup::format_size(1'000) == "1000B");
    CHECK(sup::format_size(1'536) == "1536B");
    CHECK(sup::format_size(1'572'864) == "1536KiB");
    CHECK(sup::format_size(8'388'608) == "8MiB");
    CHECK(sup::format_size(1ULL << 40) == "1024GiB");
}

TEST_CASE("people read sizes with one decimal") {
    CHECK(sup::describe_size(0) == "0 B");
    CHECK(sup::describe_size(512) == "512 B");
    CHECK(sup::describe_size(5'242'880) == "5.0 MiB");
    CHECK(sup::describe_size(1'536) == "1.5 KiB");
    CHECK(sup::describe_size(3ULL << 30) == "3.0 GiB");
}
