import { limit } from "../../../mod.ts";

limit(0, ["READ", "FSTAT"]);
