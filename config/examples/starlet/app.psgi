sub { [200, ["Content-Type" => "text/plain"], ["hello from starlet, generation $ENV{SUP_GENERATION}\n"]] };
