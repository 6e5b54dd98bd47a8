#include "data/source.h"

#include <doctest/doctest.h>

#include "data/fashion_mnist.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

TEST_CASE("a name with a typo suggests the near one") {
  CHECK(fails_with(Fault::usage, "did you mean digits?", [] { open_data("digist"); }));
  CHECK(fails_with(Fault::usage, "did you mean fashion-mnist?", [] { open_data("fashion_mnist"); }));
  CHECK(fails_with(Fault::usage, "unknown data 'imagenet': no set of that name (digits, drawn",
                   [] { open_data("imagenet"); }));
  CHECK(fails_with(Fault::usage, "did you mean cifar10?", [] { open_data("cifar:/data"); }));
  CHECK(fails_with(Fault::usage, "unknown data ''", [] { open_data(""); }));
}

TEST_CASE("what is not there is said") {
  CHECK(fails_with(Fault::data, "/nowhere: no such", [] { open_data("idx:/nowhere"); }));
  CHECK(fails_with(Fault::data, "/nowhere: no such", [] { open_data("/nowhere"); }));
  CHECK(fails_with(Fault::data, "none.csv: no such", [] { open_data("none.csv"); }));
  CHECK(fails_with(Fault::data, "apt-get install dataset-fashion-mnist",
                   [] { open_fashion_mnist("/nowhere", {}); }));
  const test::Folder folder;
  CHECK(fails_with(Fault::data, "nothing in it is known", [&] { open_data(folder.path()); }));
  CHECK(fails_with(Fault::data, "nothing in it is known", [&] { open_data(folder.write("a.xyz", "1")); }));
}

TEST_CASE("every source has a name and a summary of its own") {
  const std::vector<DataSource> sources = data_sources();
  CHECK(sources.size() == 13);
  for (const DataSource& a : sources) {
    CHECK_FALSE(a.summary.empty());
    int same = 0;
    for (const DataSource& b : sources) same += a.name == b.name;
    CHECK(same == 1);
  }
}
