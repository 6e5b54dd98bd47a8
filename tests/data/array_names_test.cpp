#include "data/array_names.h"

#include <doctest/doctest.h>

using namespace firn;

namespace {

/// "NAME: PART samples labels lengths; ..." of each group.
std::string text_of(const std::vector<std::string>& names) {
  std::string text;
  for (const ArrayGroup& group : group_arrays(names)) {
    text += "[" + group.name + "]";
    for (const PartArrays& part : group.parts) {
      text += " " + std::string(part.part ? part_name(*part.part) : "-") + ":" + part.samples + "," +
              part.labels + "," + part.lengths;
    }
  }
  return text;
}

}  // namespace

TEST_CASE("names tell what arrays are") {
  CHECK(text_of({"x", "y"}) == "[] -:x,y,");
  CHECK(text_of({"X", "Y", "lengths"}) == "[] -:X,Y,lengths");
  CHECK(text_of({"x_test", "x_train", "y_test", "y_train"}) ==
        "[] train:x_train,y_train, test:x_test,y_test,");
  CHECK(text_of({"train_images", "train_labels", "val_images", "val_labels"}) ==
        "[] train:train_images,train_labels, validation:val_images,val_labels,");
  CHECK(text_of({"XTrain", "YTrain"}) == "[] train:XTrain,YTrain,");
}

TEST_CASE("several sets lie side by side") {
  CHECK(text_of({"a_x", "a_y", "b_x", "b_y"}) == "[a] -:a_x,a_y,[b] -:b_x,b_y,");
  CHECK(text_of({"photos", "photos_labels"}) == "[photos] -:photos,photos_labels,");
  CHECK(text_of({"photos", "labels"}) == "[photos] -:photos,labels,");
  CHECK(text_of({"photos", "drawings", "labels"}) == "[drawings] -:drawings,,[photos] -:photos,,");
  CHECK(text_of({"y", "labels"}).empty());
  CHECK(names_labels("image_labels"));
  CHECK_FALSE(names_labels("images"));
}
