#include "master/core/field.h"

#include <optional>

#include "master/core/fields.h"
#include "tests/catch.h"

using namespace sup::core;

namespace {

struct Pair {
    int first = 0;
    std::optional<int> second = {};
};
struct Nothing {};

static_assert(MadeOf<Pair, int, std::optional<int>>);
static_assert(!MadeOf<Pair, int>, "a list that lacks the last field does not compile");
static_assert(!MadeOf<Pair, std::optional<int>>, "nor one that lacks the first");
static_assert(!MadeOf<Pair, std::optional<int>, int>, "nor one in another order");
static_assert(!MadeOf<Pair, int, std::optional<int>, int>);
static_assert(MadeOf<Nothing> && !MadeOf<Pair>);

static_assert(OneOf<Failure>);
static_assert(!OneOf<std::variant<failure::Stopping, Pair>>, "each of a variant has a list");

}  // namespace

TEST_CASE("a variant is called by the list of what it is") {
    CHECK(name_of(Failure{failure::ReadyTimeout{WorkerId{1}, 0}}) == std::string("ready_timeout"));
    CHECK(to_string(Action{Reply{RequestId{3}, Reply::Failed{{}, failure::PrepareFailed{"no"}}}}) ==
          "Reply request=3 outcome=failed failure=prepare_failed detail=\"no\"");
}

TEST_CASE("two structs are the same when all their listed fields are") {
    const Drain drain{WorkerId{1}, GenerationId{2}, {}};
    CHECK(same_fields(drain, Drain{WorkerId{1}, GenerationId{2}, {}}));
    CHECK_FALSE(same_fields(drain, Drain{WorkerId{1}, GenerationId{2}, GenerationId{2}}));
    CHECK_FALSE(same_fields(drain, Drain{WorkerId{2}, GenerationId{2}, {}}));
}
