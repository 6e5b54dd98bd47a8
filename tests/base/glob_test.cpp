#include "engine/base/glob.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace firn;

TEST_CASE("globs on dotted names") {
  const struct {
    const char* pattern;
    const char* text;
    bool matches;
  } cases[] = {
      {"conv1.weight", "conv1.weight", true},
      {"conv1.weight", "conv1.weights", false},
      {"conv*", "conv1.weight", true},
      {"*", "", true},
      {"", "", true},
      {"", "a", false},
      {"?", "", false},
      {"*.bias", "layer1.0.conv1.bias", true},
      {"layer?.0.*", "layer1.0.conv1.bias", true},
      {"layer?.0.*", "layer10.0.conv1.bias", false},
      {"*a*b*c", "xaybzc", true},
      {"*a*b*c", "xaybz", false},
      {"a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
      {"conv[12].weight", "conv2.weight", true},
      {"conv[12].weight", "conv3.weight", false},
      {"conv[0-4]", "conv4", true},
      {"conv[0-4]", "conv5", false},
      {"conv[!0-4]", "conv5", true},
      {"conv[!0-4]", "conv3", false},
      {"[]x]", "]", true},
      {"[a-]", "-", true},
      {"a[", "a[", true},
      {"a[bc", "ab", false},
      {"Conv1", "conv1", false},
  };
  for (const auto& c : cases) {
    CAPTURE(c.pattern);
    CAPTURE(c.text);
    CHECK(glob_match(c.pattern, c.text) == c.matches);
  }
}

TEST_CASE("edit distance counts a swap of neighbours once") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("cnn", "cnm") == 1);
  CHECK(edit_distance("lsmt", "lstm") == 1);
  CHECK(edit_distance("ca", "abc") == 3);
  CHECK(edit_distance("LeNet", "lenet") == 0);
}

TEST_CASE("the nearest name, or none") {
  const std::vector<std::string> names = {"mlp", "cnn", "vgg", "lstm", "resnet20"};
  CHECK(nearest_name("lsmt", names) == "lstm");
  CHECK(nearest_name("resnet2", names) == "resnet20");
  CHECK(nearest_name("RESNET-20", names) == "resnet20");
  CHECK(nearest_name("transformer", names).empty());
  CHECK(nearest_name("x", {}).empty());
  CHECK(did_you_mean("cn", names) == " (did you mean cnn?)");
  CHECK(did_you_mean("transformer", names).empty());
}
