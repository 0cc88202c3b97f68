run lambda { |environment|
  [200, { "content-type" => "text/plain" }, ["hello from unicorn, generation #{ENV["SUP_GENERATION"]}\n"]]
}
