// A network of one's own on data that lies in memory: half of it frozen, trained, kept and read back.
#include <cstdio>

#include <firn/firn.h>

int main() {
  using namespace firn;
  // Pictures of 8x8: a bright row or a bright column, in noise.
  const DataInfo info{
      .name = "lines", .kind = DataKind::image, .shape = {8, 8, 1}, .classes = {"row", "column"}};
  Random random(1, "lines");
  std::vector<float> pixels;
  std::vector<std::int32_t> labels;
  for (int n = 0; n < 600; ++n) {
    const auto place = static_cast<int>(random.below(8));
    labels.push_back(n % 2);
    for (int i = 0; i < 64; ++i)
      pixels.push_back(static_cast<float>(random.uniform()) +
                       ((n % 2 == 0 ? i / 8 : i % 8) == place ? 1.0f : 0.0f));
  }
  const DataParts data = complete_parts({.train = make_numbers(info, pixels, labels)});

  const char* text = "conv 8 3x3, norm, relu, pool 2, conv 16 3x3, relu, dense";
  const ModelPtr model = make_network(text, {.sample = info.shape}, 2);
  model->initialise(1);
  model->set_freeze("half");
  Loader train(data.train, {.batch = 32});
  Loader validation(data.validation, {.shuffle = false});
  Loader test(data.test, {.shuffle = false});
  const auto optimizer = make_adam({.rate = 3e-3});
  Trainer trainer(*model, *optimizer, train, validation, {.epochs = 15, .restore_best = true});
  trainer.run(
      {.after_epoch = [](const EpochRecord& e) { std::printf("%td: %.3f\n", e.epoch, e.validation_score); }});
  save_weights(*model, "lines.safetensors");

  const ModelPtr again = make_network(text, {.sample = info.shape}, 2);
  load_weights(*again, "lines.safetensors");
  return evaluate(*again, test).accuracy() > 0.9 ? 0 : 1;
}
