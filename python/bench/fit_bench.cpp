// What training takes from C++: overhead.py holds the same call from Python against it, in turns.
//
// usage: fit_bench [TIMES]; prints the seconds of each `Learner::fit`.
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>

#include "data/source.h"
#include "tools/app/api/learner.h"

int main(int count, char** words) {
  const firn::DataParts digits = firn::open_data("digits", {});
  firn::LearnerStart start;
  start.model = "cnn";
  start.input.sample = {8, 8, 1};
  start.width = 10;
  firn::Learner learner(start);
  learner.fit(digits, {.epochs = 5});
  for (int left = count > 1 ? std::atoi(words[1]) : 1; left > 0; --left) {
    const auto begin = std::chrono::steady_clock::now();
    learner.fit(digits, {.epochs = 5});
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    fmt::print("{:.6f}\n", spent.count());
  }
}
