run lambda { |environment|
  [200, { "content-type" => "text/plain" }, ["hello from puma, generation #{ENV["SUP_GENERATION"]}\n"]]
}
