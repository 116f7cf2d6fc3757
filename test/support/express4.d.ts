/** Express 4 under a name of its own: for these tests its types are those of Express 5. */
declare module 'express4' {
  import express from 'express'
  export default express
}
