"""PyTorch behind uvicorn: what `elbo serve` is compared with. See run.

The models have the shapes of Elbo's. The weights of the Bayesian network are drawn once, T stacked sets, so that a request
costs products alone. Body: the numbers of the rows, little-endian float32 or bytes. Answer: mean and std, float32.
"""

import os

import torch

T = int(os.environ.get("SAMPLES", "50"))
torch.manual_seed(1)
torch.set_num_threads(int(os.environ.get("LANES", "2")))


def layers(sizes, sets=1):
    return [
        (torch.randn(sets, a, b) * 0.05, torch.randn(sets, 1, b) * 0.05)
        for a, b in zip(sizes, sizes[1:])
    ]


MODELS = {
    "table": (layers([10, 400, 400, 2]), 10, torch.float32),
    "mlp": (layers([784, 400, 400, 10]), 784, torch.uint8),
    "bbb": (layers([784, 400, 400, 10], T), 784, torch.uint8),
}


@torch.inference_mode()
def predict(name, body):
    weights, width, kind = MODELS[name]
    x = torch.frombuffer(bytearray(body), dtype=kind).reshape(1, -1, width).float()
    if kind == torch.uint8:
        x = x / 255
    x = x.expand(weights[0][0].shape[0], -1, -1)
    for index, (weight, bias) in enumerate(weights):
        x = torch.baddbmm(bias, x, weight)
        if index + 1 < len(weights):
            x = torch.relu(x)
    p = torch.softmax(x, -1)
    return torch.stack([p.mean(0), p.std(0, correction=0)]).numpy().tobytes()


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            break
    answer = predict(scope["path"].rsplit("/", 1)[-1], body)
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-length", str(len(answer)).encode())]})
    await send({"type": "http.response.body", "body": answer})
