// GENERATED CODE -- DO NOT EDIT!

'use strict';
var grpc = require('@grpc/grpc-js');
var greet_pb = require('./greet_pb.js');

function serialize_greet_v1_HelloReply(arg) {
  if (!(arg instanceof greet_pb.HelloReply)) {
    throw new Error('Expected argument of type greet.v1.HelloReply');
  }
  return Buffer.from(arg.serializeBinary());
}

function deserialize_greet_v1_HelloReply(buffer_arg) {
  return greet_pb.HelloReply.deserializeBinary(new Uint8Array(buffer_arg));
}

function serialize_greet_v1_HelloRequest(arg) {
  if (!(arg instanceof greet_pb.HelloRequest)) {
    throw new Error('Expected argument of type greet.v1.HelloRequest');
  }
  return Buffer.from(arg.serializeBinary());
}

function deserialize_greet_v1_HelloRequest(buffer_arg) {
  return greet_pb.HelloRequest.deserializeBinary(new Uint8Array(buffer_arg));
}


// The service of all examples but `pets`: each answer names the server that gave it.
var GreeterService = exports.GreeterService = {
  sayHello: {
    path: '/greet.v1.Greeter/SayHello',
    requestStream: false,
    responseStream: false,
    requestType: greet_pb.HelloRequest,
    responseType: greet_pb.HelloReply,
    requestSerialize: serialize_greet_v1_HelloRequest,
    requestDeserialize: deserialize_greet_v1_HelloRequest,
    responseSerialize: serialize_greet_v1_HelloReply,
    responseDeserialize: deserialize_greet_v1_HelloReply,
  },
  sayHellos: {
    path: '/greet.v1.Greeter/SayHellos',
    requestStream: false,
    responseStream: true,
    requestType: greet_pb.HelloRequest,
    responseType: greet_pb.HelloReply,
    requestSerialize: serialize_greet_v1_HelloRequest,
    requestDeserialize: deserialize_greet_v1_HelloRequest,
    responseSerialize: serialize_greet_v1_HelloReply,
    responseDeserialize: deserialize_greet_v1_HelloReply,
  },
  greetAll: {
    path: '/greet.v1.Greeter/GreetAll',
    requestStream: true,
    responseStream: false,
    requestType: greet_pb.HelloRequest,
    responseType: greet_pb.HelloReply,
    requestSerialize: serialize_greet_v1_HelloRequest,
    requestDeserialize: deserialize_greet_v1_HelloRequest,
    responseSerialize: serialize_greet_v1_HelloReply,
    responseDeserialize: deserialize_greet_v1_HelloReply,
  },
  chat: {
    path: '/greet.v1.Greeter/Chat',
    requestStream: true,
    responseStream: true,
    requestType: greet_pb.HelloRequest,
    responseType: greet_pb.HelloReply,
    requestSerialize: serialize_greet_v1_HelloRequest,
    requestDeserialize: deserialize_greet_v1_HelloRequest,
    responseSerialize: serialize_greet_v1_HelloReply,
    responseDeserialize: deserialize_greet_v1_HelloReply,
  },
};

exports.GreeterClient = grpc.makeGenericClientConstructor(GreeterService, 'Greeter');
