// The service that pet.proto describes, as client and server need it.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const path = fileURLToPath(new URL("pet.proto", import.meta.url));

export const { PetService } = grpc.loadPackageDefinition(loadSync(path)).pet.service.v1;
