/** Our resolvers and policies in stock grpc-js: one function, and the types of what it takes. */
export { type Registered, type RegisterOptions, register } from "./register.ts";
