/**
 * The services of a lab pod as file descriptors (google/protobuf/descriptor.proto), for reflection:
 * the bytes that protoc would write of the .proto files that describe them.
 *
 * Small, for the messages are: strings, numbers and one another. Loaded only when somebody asks.
 */
import { field } from "./wire.ts";

/** Types of fields: FieldDescriptorProto.Type. */
const TYPES = { string: 9, bytes: 12, int32: 5 } as const;
const TYPE_MESSAGE = 11;
const TYPE_ENUM = 14;
const OPTIONAL = 1;
const REPEATED = 3;

/** A field: its type (a scalar, or the full name of a message with a dot before it), and number. */
interface Field {
  readonly name: string;
  readonly type: string;
  readonly number: number;
  readonly isRepeated?: boolean;
  /** Of the one oneof that its message has. */
  readonly isOneOf?: boolean;
}

interface Message {
  readonly name: string;
  readonly fields: readonly Field[];
  /** Name of its oneof. */
  readonly oneOf?: string;
  /** Bytes of an enum inside: EnumDescriptorProto. */
  readonly enumBytes?: Buffer;
}

interface Method {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly streams?: { readonly client: boolean; readonly server: boolean };
}

/** One .proto file with one service. */
interface File {
  readonly name: string;
  readonly package: string;
  readonly messages: readonly Message[];
  readonly service: string;
  readonly methods: readonly Method[];
}

function textMessage(name: string, fieldName: string): Message {
  return { name, fields: [{ name: fieldName, type: "string", number: 1 }] };
}

function textFile(
  name: string,
  pack: string,
  service: string,
  method: string,
  messages: readonly [input: Message, output: Message],
): File {
  const [input, output] = messages.map((message) => message.name) as [string, string];
  return {
    ...{ name, package: pack, service, methods: [{ name: method, input, output }] },
    // A message that is both ways stands there once.
    messages: input === output ? [messages[0]] : messages,
  };
}

function serving(): Buffer {
  const names = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
  const values = names.map((name, number) =>
    field(2, Buffer.concat([field(1, name), field(2, number)])),
  );
  return Buffer.concat([field(1, "ServingStatus"), ...values]);
}

const HEALTH_PACKAGE = "grpc.health.v1";
const HEALTH: File = {
  ...{ name: "grpc/health/v1/health.proto", package: HEALTH_PACKAGE, service: "Health" },
  messages: [
    textMessage("HealthCheckRequest", "service"),
    {
      name: "HealthCheckResponse",
      fields: [
        { name: "status", type: `.${HEALTH_PACKAGE}.HealthCheckResponse.ServingStatus`, number: 1 },
      ],
      enumBytes: serving(),
    },
  ],
  methods: [
    { name: "Check", input: "HealthCheckRequest", output: "HealthCheckResponse" },
    {
      ...{ name: "Watch", input: "HealthCheckRequest", output: "HealthCheckResponse" },
      streams: { client: false, server: true },
    },
  ],
};

function reflectionFile(version: string): File {
  const pack = `grpc.reflection.${version}`;
  const one = (name: string, type: string, number: number): Field => ({
    ...{ name, type, number, isOneOf: true },
  });
  const own = (name: string): string => `.${pack}.${name}`;
  const list = (name: string, type: string): Field => ({ name, type, number: 1, isRepeated: true });
  return {
    name: `grpc/reflection/${version}/reflection.proto`,
    package: pack,
    service: "ServerReflection",
    messages: [
      {
        ...{ name: "ServerReflectionRequest", oneOf: "message_request" },
        fields: [
          { name: "host", type: "string", number: 1 },
          one("file_by_filename", "string", 3),
          one("file_containing_symbol", "string", 4),
          one("file_containing_extension", own("ExtensionRequest"), 5),
          one("all_extension_numbers_of_type", "string", 6),
          one("list_services", "string", 7),
        ],
      },
      {
        name: "ExtensionRequest",
        fields: [
          { name: "containing_type", type: "string", number: 1 },
          { name: "extension_number", type: "int32", number: 2 },
        ],
      },
      {
        ...{ name: "ServerReflectionResponse", oneOf: "message_response" },
        fields: [
          { name: "valid_host", type: "string", number: 1 },
          { name: "original_request", type: own("ServerReflectionRequest"), number: 2 },
          one("file_descriptor_response", own("FileDescriptorResponse"), 4),
          one("all_extension_numbers_response", own("ExtensionNumberResponse"), 5),
          one("list_services_response", own("ListServiceResponse"), 6),
          one("error_response", own("ErrorResponse"), 7),
        ],
      },
      { name: "FileDescriptorResponse", fields: [list("file_descriptor_proto", "bytes")] },
      {
        name: "ExtensionNumberResponse",
        fields: [
          { name: "base_type_name", type: "string", number: 1 },
          { ...list("extension_number", "int32"), number: 2 },
        ],
      },
      { name: "ListServiceResponse", fields: [list("service", own("ServiceResponse"))] },
      textMessage("ServiceResponse", "name"),
      {
        name: "ErrorResponse",
        fields: [
          { name: "error_code", type: "int32", number: 1 },
          { name: "error_message", type: "string", number: 2 },
        ],
      },
    ],
    methods: [
      {
        name: "ServerReflectionInfo",
        ...{ input: "ServerReflectionRequest", output: "ServerReflectionResponse" },
        streams: { client: true, server: true },
      },
    ],
  };
}

const content = (name: string): Message => textMessage(name, "content");
const FILES: readonly File[] = [
  textFile("fairlead/lab/echo.proto", "fairlead.lab", "Echo", "Say", [
    textMessage("SayRequest", "from"),
    textMessage("SayReply", "pod"),
  ]),
  textFile("api/echo.proto", "api", "Echo", "Echo", [
    content("EchoRequest"),
    content("EchoResponse"),
  ]),
  textFile("api/reverse.proto", "api", "Reverse", "Reverse", [
    content("ReverseRequest"),
    content("ReverseResponse"),
  ]),
  textFile("pet.proto", "pet.service.v1", "PetService", "Ping", [
    textMessage("Id", "id"),
    textMessage("Id", "id"),
  ]),
  HEALTH,
  reflectionFile("v1"),
  reflectionFile("v1alpha"),
];

/** FieldDescriptorProto. */
function fieldBytes({ name, type, number, isRepeated, isOneOf }: Field): Buffer {
  const scalar = TYPES[type as keyof typeof TYPES];
  const isEnum = type.endsWith("ServingStatus");
  return Buffer.concat([
    field(1, name),
    field(3, number),
    field(4, isRepeated ? REPEATED : OPTIONAL),
    field(5, scalar ?? (isEnum ? TYPE_ENUM : TYPE_MESSAGE)),
    ...(scalar === undefined ? [field(6, type)] : []),
    ...(isOneOf ? [field(9, 0)] : []),
  ]);
}

/** DescriptorProto. */
function messageBytes({ name, fields, oneOf, enumBytes }: Message): Buffer {
  return Buffer.concat([
    field(1, name),
    ...fields.map((one) => field(2, fieldBytes(one))),
    ...(enumBytes ? [field(4, enumBytes)] : []),
    ...(oneOf ? [field(8, field(1, oneOf))] : []),
  ]);
}

/** MethodDescriptorProto. */
function methodBytes(pack: string, { name, input, output, streams }: Method): Buffer {
  return Buffer.concat([
    field(1, name),
    field(2, `.${pack}.${input}`),
    field(3, `.${pack}.${output}`),
    ...(streams?.client ? [field(5, 1)] : []),
    ...(streams?.server ? [field(6, 1)] : []),
  ]);
}

/** FileDescriptorProto. */
function fileBytes({ name, package: pack, messages, service, methods }: File): Buffer {
  const declared = methods.map((method) => field(2, methodBytes(pack, method)));
  return Buffer.concat([
    field(1, name),
    field(2, pack),
    ...messages.map((message) => field(4, messageBytes(message))),
    field(6, Buffer.concat([field(1, service), ...declared])),
    field(12, "proto3"),
  ]);
}

/** Full names of the services, in the order of their files. */
export const SERVICE_NAMES: readonly string[] = FILES.map(
  (file) => `${file.package}.${file.service}`,
);

const byName = new Map<string, Buffer>();
const bySymbol = new Map<string, Buffer>();
for (const file of FILES) {
  const bytes = fileBytes(file);
  const service = `${file.package}.${file.service}`;
  byName.set(file.name, bytes);
  bySymbol.set(service, bytes);
  for (const { name } of file.methods) bySymbol.set(`${service}.${name}`, bytes);
  for (const { name } of file.messages) bySymbol.set(`${file.package}.${name}`, bytes);
}
bySymbol.set(`${HEALTH_PACKAGE}.HealthCheckResponse.ServingStatus`, byName.get(HEALTH.name)!);

/** The file of a name, as FileDescriptorProto, or undefined. */
export function fileOfName(name: string): Buffer | undefined {
  return byName.get(name);
}

/** The file that has a symbol: a service, a method, a message or an enum by its full name. */
export function fileOfSymbol(symbol: string): Buffer | undefined {
  return bySymbol.get(symbol);
}
