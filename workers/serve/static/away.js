// In place of a page, while nobody can say who asks: tries again by itself.

import { byId } from "./dom.js";

const AGAIN_MS = 5000;

byId("again").addEventListener("click", () => location.reload());
setTimeout(() => location.reload(), AGAIN_MS);
