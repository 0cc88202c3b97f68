sub { [200, ["Content-Type" => "text/plain"], ["hello from starman, generation $ENV{SUP_GENERATION}\n"]] };
