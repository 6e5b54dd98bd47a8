// A trained file, loaded and asked; a study and its page.
#include <firn/predictor.h>
#include <firn/study.h>
#include <cstdio>

int main() {
  const firn::Predictor predictor("runs/trained");
  const std::vector<float> sample(64, 8);  // a digit of 8x8
  for (const auto& answer : predictor.numbers(sample))
    std::printf("%s %.3f\n", answer.name.c_str(), answer.value);
  const std::string folder = firn::study({.model = "dense", .freeze = "0", .labels = "2", .seeds = 1});
  std::FILE* page = std::fopen((folder + "/report.html").c_str(), "r");
  return page != nullptr && predictor.names().size() == 10 ? 0 : 1;
}
