#include "tools/app/verbs/train_examples.h"

namespace firn::cli {

void give_examples(Arguments& arguments, bool finetune) {
  if (finetune) {
    arguments.example("--model squeezenet --weights squeezenet.safetensors --data photographs",
                      "a new head for the classes of a folder of pictures, all else frozen");
    arguments.example("--weights runs/old/best.safetensors --data pictures --policy lp-ft --epochs 10",
                      "a new head first, then everything at a small rate");
    arguments.example(
        "--model charrnn --weights shakespeare.safetensors --data text:darwin.txt --freeze half",
        "a language model goes on with another text; its head stays");
    return;
  }
  arguments.example("--model cnn --data digits", "a small network on the embedded digits");
  arguments.example("--model cnn --data fashion-mnist --epochs 5 --batch 64 --rate 0.05 --decay 5e-4 --json",
                    "an epoch a line as JSON");
  arguments.example("--model cnn --data digits --weights runs/cnn-digits-1/best.safetensors --freeze head",
                    "train the last block of a trained network");
  arguments.example(
      "--data pictures --weights runs/old/best.safetensors --replace-head --freeze head --thaw 3:all",
      "other classes: a new head first, everything from epoch 3 on");
  arguments.example("--model cnn --data digits --policy freezeout,t0=0.5",
                    "each block along its own cosine; early ones freeze first");
}

}  // namespace firn::cli
