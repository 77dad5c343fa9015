/** Ports of the servers that are not gRPC, and of the one that is. */
export const PORTS = { grpc: 50051, serverFirst: 3306, http: 80, tls: 443, echo: 7 } as const;
